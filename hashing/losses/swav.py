"""Prototypes across videos [ours]: a view's code tells which cluster its partner's code is in.

Swapped prediction, SwAV (2020), equations 1 to 3: https://arxiv.org/abs/2006.09882
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .base import Measures, Step


@torch.no_grad()
def shared_out(cosines: Tensor, *, sharpness: float, rounds: int) -> Tensor:
    """Assign codes to prototypes so that every prototype gets an equal part of the batch.

    Sinkhorn-Knopp, on logarithms.

    Args:
        cosines: Between codes and prototypes, (B, P).
        sharpness: Divides the cosines; the smaller, the harder the assignment.
        rounds: How often columns and rows are made even.

    Returns:
        A distribution over prototypes for each code, (B, P).

    Example:
        >>> shared_out(torch.tensor([[1.0, 0.9], [1.0, 0.1]]), sharpness=0.05, rounds=20).round()
        tensor([[0., 1.],
                [1., 0.]])
    """
    logits = cosines / sharpness
    for _ in range(rounds):
        logits = logits - logits.logsumexp(dim=0, keepdim=True)
        logits = logits - logits.logsumexp(dim=1, keepdim=True)
    return logits.softmax(dim=1)


def swapped_loss(
    view_a: Tensor,
    view_b: Tensor,
    prototypes: Tensor,
    *,
    temperature: float,
    sharpness: float,
    rounds: int,
) -> Tensor:
    """Return how badly each view's code tells the prototypes of the other's, a scalar.

    Args:
        view_a: Codes of the first views, (B, K).
        view_b: Codes of the second views, (B, K).
        prototypes: (P, K).
        temperature: Divides the cosines of the prediction.
        sharpness: Divides those of the assignment.
        rounds: Of the assignment.
    """
    unit = F.normalize(prototypes, dim=1)
    cosines = [F.normalize(view, dim=1) @ unit.T for view in (view_a, view_b)]
    wanted = [shared_out(each, sharpness=sharpness, rounds=rounds) for each in cosines]
    first, second = (
        F.cross_entropy(each / temperature, other)
        for each, other in zip(cosines, reversed(wanted), strict=True)
    )
    return (first + second) / 2


class ClusterTask(nn.Module):
    """The swapped loss over the codes of a batch's views, with prototypes that are learned.

    Args:
        bits: K.
        prototypes: P.
        temperature: Divides the cosines of the prediction.
        sharpness: Divides those of the assignment.
        rounds: Of the assignment.
    """

    def __init__(
        self, *, bits: int, prototypes: int, temperature: float, sharpness: float, rounds: int
    ) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(prototypes, bits))
        self.temperature, self.sharpness, self.rounds = temperature, sharpness, rounds

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss."""
        view_a, view_b = step.hashed.codes.chunk(2)
        loss = swapped_loss(
            view_a,
            view_b,
            self.prototypes,
            temperature=self.temperature,
            sharpness=self.sharpness,
            rounds=self.rounds,
        )
        return loss, {}
