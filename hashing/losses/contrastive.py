"""Contrastive loss (pretext task 1): NT-Xent between the codes of a video's two views.

NT-Xent: SimCLR (2020), equation 1: https://arxiv.org/abs/2002.05709
Debiased: Chuang et al. (2020), equation 8: https://arxiv.org/abs/2007.00224
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.losses import ContrastiveConfig
from ..monitoring.code_metrics import top1_match_rate
from .base import LossContext, Measures, Step

_NEVER = -1e9  # a logit whose exponential is 0; unlike -inf its gradient is not NaN


def nt_xent(
    view_a: Tensor,
    view_b: Tensor,
    *,
    temperature: float,
    tau_plus: float = 0.0,
    excluded_pairs: Tensor | None = None,
) -> Tensor:
    """Return the NT-Xent loss of two views, a scalar, debiased where ``tau_plus`` is not 0.

    Every one of the 2B codes has one positive and 2B - 2 negatives.

    Args:
        view_a: Codes of the first views, (B, K).
        view_b: Codes of the second views, (B, K); row i is the positive of row i of ``view_a``.
        temperature: Softmax temperature of the cosine similarities.
        tau_plus: Assumed fraction of false negatives, which is subtracted from the negatives' sum;
            0 is plain NT-Xent.
        excluded_pairs: Pairs that are not used as negatives, (2B, 2B) bool; positives stay.

    Returns:
        The mean loss, a scalar.

    Raises:
        ValueError: If the two views differ in shape.

    Example:
        >>> views = torch.eye(2)
        >>> nt_xent(views, views, temperature=1.0)  # log(1 + 2 / e)
        tensor(0.5514)
    """
    if view_a.shape != view_b.shape:
        raise ValueError(f"views differ in shape: {tuple(view_a.shape)}, {tuple(view_b.shape)}")

    codes = F.normalize(torch.cat([view_a, view_b]), dim=1) * temperature**-0.5  # (2B, K)
    other_view = torch.arange(len(codes), device=codes.device).roll(len(view_a))
    logits = (codes @ codes.T).fill_diagonal_(_NEVER)  # (2B, 2B), cosines over the temperature
    if excluded_pairs is not None:
        positive_indices = F.one_hot(other_view, len(codes)).bool()
        logits = logits.masked_fill(excluded_pairs & ~positive_indices, _NEVER)
    if not tau_plus:
        return F.cross_entropy(logits, other_view)
    positive = logits.gather(1, other_view[:, None])[:, 0]  # (2B,)
    others = logits.scatter(1, other_view[:, None], _NEVER)
    counts = (others > _NEVER).sum(dim=1)
    negatives = others.logsumexp(dim=1)  # (2B,)
    negatives = debiased(negatives, positive, counts, tau_plus=tau_plus, temperature=temperature)
    return F.softplus(negatives - positive).mean()


def debiased(
    negatives: Tensor, positive: Tensor, counts: Tensor, *, tau_plus: float, temperature: float
) -> Tensor:
    """Return the log of the negatives' sum, corrected for false negatives, (2B,).

    The sum becomes ``(sum - tau_plus * count * positive) / (1 - tau_plus)``, and at least
    ``count * exp(-1 / temperature)``, the least that ``count`` negatives can add up to.

    Args:
        negatives: Log-sum-exp of the negatives' logits, (2B,).
        positive: Logit of each positive, (2B,).
        counts: Number of negatives in each sum, (2B,).
        tau_plus: Assumed fraction of false negatives.
        temperature: Temperature that the logits were divided by.
    """
    top = 1 / temperature  # no logit is larger, so no exponential below overflows
    raw = (negatives - top).exp() - tau_plus * counts * (positive - top).exp()
    least = counts * math.exp(-2 * top)
    return torch.maximum(raw / (1 - tau_plus), least).clamp(min=1e-30).log() + top


def positive_pairs(video_indices: Tensor, neighbours: Tensor) -> Tensor:
    """Return the pairs of views of the same video or of neighbours, (2B, 2B) bool.

    Args:
        video_indices: Video index of each view, (2B,).
        neighbours: Neighbours of each of the N videos, (N, k); -1 where there are fewer.
    """
    near = (neighbours[video_indices][:, None, :] == video_indices[None, :, None]).any(dim=2)
    return near | near.T | (video_indices[:, None] == video_indices[None, :])


class ContrastiveLoss(nn.Module):
    """NT-Xent over the codes of a batch's views.

    Args:
        temperature: Softmax temperature of the cosine similarities.
        tau_plus: Assumed fraction of false negatives.
        mask_neighbours: Exclude views of the same video or of neighbours from the negatives.
    """

    def __init__(self, *, temperature: float, tau_plus: float, mask_neighbours: bool) -> None:
        super().__init__()
        self.temperature, self.tau_plus = temperature, tau_plus
        self.mask_neighbours = mask_neighbours

    @classmethod
    def from_config(cls, config: ContrastiveConfig, context: LossContext) -> Self:
        """Build the loss from its config section."""
        return cls(
            temperature=config.temperature,
            tau_plus=config.tau_plus,
            mask_neighbours=config.mask_neighbours,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss, and the mean cosine similarity of positives as ``positive_cosine``.

        In evaluation mode also the top-1 rate of positives as ``contrastive_accuracy``.
        """
        view_a, view_b = step.output.codes.chunk(2)
        excluded_pairs = None
        if self.mask_neighbours and step.neighbours is not None:
            excluded_pairs = positive_pairs(step.views.video_indices, step.neighbours)
        loss = nt_xent(
            view_a,
            view_b,
            temperature=self.temperature,
            tau_plus=self.tau_plus,
            excluded_pairs=excluded_pairs,
        )
        positive_cosine = F.cosine_similarity(view_a.detach(), view_b.detach()).mean()
        measures = {"positive_cosine": positive_cosine}
        if not self.training:
            measures["contrastive_accuracy"] = positive_cosine.new_tensor(
                top1_match_rate(view_a, view_b)
            )
        return loss, measures
