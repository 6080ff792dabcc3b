"""Objective of CroVCA-like: cross-entropy between two views' codes, minus their coding rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.clips import Clips
from ...monitoring.code_metrics import top1_match_rate
from ...views.view_maker import ViewMaker
from .network import CrovcaModel


def alignment_loss(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """Return the mean binary cross-entropy of each view's values with the other view's bits.

    The bits are targets without a gradient.

    Args:
        first: Values of the first views, (B, K).
        second: Values of the second views, (B, K).
        temperature: Divides the values before the sigmoid.
    """

    def one_way(values: Tensor, other: Tensor) -> Tensor:
        bits = (other.detach() >= 0).to(values.dtype)
        return F.binary_cross_entropy_with_logits(values / temperature, bits)

    return (one_way(first, second) + one_way(second, first)) / 2


def coding_rate(values: Tensor, *, epsilon: float) -> Tensor:
    """Return the coding rate of rows scaled to length 1, a bit of the code, in nats.

    R = 1/2 log det(I + K / (B epsilon^2) Z'Z), MCR2: https://arxiv.org/abs/2006.08558

    Args:
        values: (B, K).
        epsilon: Distortion.
    """
    rows, bits = values.shape
    units = F.normalize(values, dim=1)
    gram = units.T @ units * (bits / (rows * epsilon**2))
    eye = torch.eye(bits, dtype=values.dtype, device=values.device)
    rate: Tensor = torch.linalg.cholesky(eye + gram).diagonal().log().sum() / bits
    return rate


class CrovcaObjective(nn.Module):
    """Alignment loss minus the weighted coding rate.

    Every process runs the whole batch, since batch normalization needs it.

    Args:
        model: PCA and hash head.
        view_maker: Makes the two views.
        temperature: Divides the values before the sigmoid.
        rate: Factor of the coding rate.
        epsilon: Distortion of the coding rate.
    """

    def __init__(
        self,
        *,
        model: CrovcaModel,
        view_maker: ViewMaker,
        temperature: float,
        rate: float,
        epsilon: float,
    ) -> None:
        super().__init__()
        self.model, self.view_maker = model, view_maker
        self.temperature, self.rate, self.epsilon = temperature, rate, epsilon

    def forward(
        self,
        clips: Clips,
        *,
        rows: Tensor,
        positive_indices: Tensor,
        neighbours: Tensor | None,
        generator: torch.Generator,
        progress: float = 1.0,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss, a scalar, and its terms by name.

        In evaluation mode also the top-1 rate of positives as ``contrastive_accuracy``.
        """
        views = self.view_maker(clips, rows, positive_indices, generator)
        values = self.model(views.clips).values  # (2B, K)
        first, second = values.chunk(2)
        alignment = alignment_loss(first, second, temperature=self.temperature)
        rate = coding_rate(values, epsilon=self.epsilon)
        loss = alignment - self.rate * rate
        cosine = F.cosine_similarity(first.detach(), second.detach()).mean()
        measures = {
            "loss": loss.detach(),
            "alignment": alignment.detach(),
            "coding_rate": rate.detach(),
            "positive_cosine": cosine,
        }
        if not self.training:
            measures["contrastive_accuracy"] = loss.new_tensor(top1_match_rate(first, second))
        return loss, measures
