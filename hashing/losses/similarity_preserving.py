"""Similarity-preserving loss [ours]: codes keep the cosine similarities of backbone features."""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.losses import SimilarityPreservingConfig
from .base import LossContext, Measures, Step

LossForm = Literal["listwise", "squared"]
Source = Literal["views", "videos"]


def squared_loss(codes: Tensor, features: Tensor) -> Tensor:
    """Return the mean squared difference of pairwise cosines of codes and features, a scalar.

    Args:
        codes: Codes, (B, K).
        features: Target features of the same videos, without gradient, (B, M).

    Example:
        >>> squared_loss(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.ones(2, 3))  # 2 / 4
        tensor(0.5000)
    """
    return (cosines(codes) - cosines(features)).square().mean()


def listwise_loss(
    codes: Tensor, features: Tensor, *, target_temperature: float, temperature: float
) -> Tensor:
    """Return the listwise ranking loss between codes and features, a scalar.

    One video has nothing to rank: its loss is :func:`squared_loss`, which is 0.

    A softmax turns the cosines of a video to all others into a distribution, once by codes and once
    by features. Their cross-entropy is the loss, so near videos have the largest effect.
    Learning to rank, a listwise approach (2007): https://doi.org/10.1145/1273496.1273513

    Args:
        codes: Codes, (B, K).
        features: Target features of the same videos, without gradient, (B, M).
        target_temperature: Softmax temperature of the features.
        temperature: Softmax temperature of the codes.

    Example:
        >>> same = torch.ones(3, 2)  # two others, alike: log 2
        >>> listwise_loss(same, same, target_temperature=1.0, temperature=1.0)
        tensor(0.6931)
    """
    if len(codes) < 2:
        return squared_loss(codes, features)
    wanted = (cosines(features) / target_temperature).fill_diagonal_(-torch.inf).softmax(dim=1)
    logits = (cosines(codes) / temperature).fill_diagonal_(-1e9)
    return F.cross_entropy(logits, wanted)


def cosines(vectors: Tensor) -> Tensor:
    """Return the pairwise cosine similarities, (B, B), of vectors (B, X)."""
    unit = F.normalize(vectors, dim=1)
    return unit @ unit.T


class SimilarityPreservingLoss(nn.Module):
    """Similarity-preserving loss between codes and the mean features of whole, unaugmented videos.

    Args:
        source: ``views``: the codes of first views, which are computed already; ``videos``: those
            of whole videos, which takes a second forward pass.
        loss_form: :func:`listwise_loss` or :func:`squared_loss`.
        target_temperature: Softmax temperature of the features, listwise only.
        temperature: Softmax temperature of the codes, listwise only.
    """

    def __init__(
        self, *, source: Source, loss_form: LossForm, target_temperature: float, temperature: float
    ) -> None:
        super().__init__()
        self.source, self.loss_form, self.target_temperature, self.temperature = (
            source,
            loss_form,
            target_temperature,
            temperature,
        )

    @classmethod
    def from_config(cls, config: SimilarityPreservingConfig, context: LossContext) -> Self:
        """Build the loss from its config section."""
        return cls(
            source=config.source,
            loss_form=config.loss,
            target_temperature=config.target_temperature,
            temperature=config.temperature,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss."""
        if self.source == "videos":
            codes = step.model(step.clips.frames[step.rows]).codes
        else:
            codes = step.output.codes[: len(step.rows)]  # second views may be a neighbour's
        features = step.clips.means[step.rows]
        if self.loss_form == "squared":
            return squared_loss(codes, features), {}
        loss = listwise_loss(
            codes,
            features,
            target_temperature=self.target_temperature,
            temperature=self.temperature,
        )
        return loss, {}
