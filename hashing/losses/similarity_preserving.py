"""Structure keeping [ours]: videos that look alike to the backbone stay alike in their codes."""

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
    """Return the mean squared difference of the cosines within a batch, a scalar.

    Args:
        codes: (B, K).
        features: Fixed features of the same videos, (B, M).

    Example:
        >>> squared_loss(torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.ones(2, 3))  # 2 / 4
        tensor(0.5000)
    """
    return (cosines(codes) - cosines(features)).square().mean()


def listwise_loss(
    codes: Tensor, features: Tensor, *, target_temperature: float, temperature: float
) -> Tensor:
    """Return how badly the codes rank each video's others as the features do, a scalar.

    The cosines to all others become a distribution by a softmax, and the two distributions are
    compared by their cross-entropy, so that near videos count most.
    Learning to rank, a listwise approach (2007): https://doi.org/10.1145/1273496.1273513

    Args:
        codes: (B, K).
        features: Fixed features of the same videos, (B, M).
        target_temperature: Temperature of the features' softmax.
        temperature: Temperature of the codes' softmax.

    Example:
        >>> same = torch.ones(3, 2)  # two others, alike: log 2
        >>> listwise_loss(same, same, target_temperature=1.0, temperature=1.0)
        tensor(0.6931)
    """
    wanted = (cosines(features) / target_temperature).fill_diagonal_(-torch.inf).softmax(dim=1)
    logits = (cosines(codes) / temperature).fill_diagonal_(-1e9)
    return F.cross_entropy(logits, wanted)


def cosines(vectors: Tensor) -> Tensor:
    """Return all pairs' cosines, (B, B), of vectors (B, X)."""
    unit = F.normalize(vectors, dim=1)
    return unit @ unit.T


class SimilarityPreservingLoss(nn.Module):
    """Structure keeping between codes and the mean inputs of whole, unchanged videos.

    Args:
        source: Codes of each video's own view, which the network has made already, or those of the
            whole videos, for which it runs again.
        loss_form: Which of the two losses.
        target_temperature: Temperature of the features, listwise only.
        temperature: Temperature of the codes, listwise only.
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
        """Build the loss from its section."""
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
            codes = step.output.codes[: len(step.rows)]  # the first views are the video's own
        features = step.clips.means[step.rows]
        if self.loss_form == "squared" or len(codes) < 2:
            return squared_loss(codes, features), {}
        loss = listwise_loss(
            codes,
            features,
            target_temperature=self.target_temperature,
            temperature=self.temperature,
        )
        return loss, {}
