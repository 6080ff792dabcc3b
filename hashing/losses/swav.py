"""SwAV loss [ours]: predict the prototype assignment of a view from the code of the other view.

Swapped prediction, SwAV (2020), equations 1 to 3: https://arxiv.org/abs/2006.09882
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.losses import SwavConfig
from .base import LossContext, Measures, Step


@torch.no_grad()
def sinkhorn(cosines: Tensor, *, epsilon: float, iterations: int) -> Tensor:
    """Compute a balanced soft assignment of codes to prototypes, (B, P), by Sinkhorn-Knopp.

    Works on logarithms, so that a small ``epsilon`` does not overflow.

    Args:
        cosines: Cosine similarities of codes and prototypes, (B, P).
        epsilon: Entropy regularization; smaller values give harder assignments.
        iterations: Normalizations of columns and rows.

    Returns:
        A distribution over prototypes for each code, (B, P).

    Example:
        >>> sinkhorn(torch.tensor([[1.0, 0.9], [1.0, 0.1]]), epsilon=0.05, iterations=20).round()
        tensor([[0., 1.],
                [1., 0.]])
    """
    logits = cosines / epsilon
    for _ in range(iterations):
        logits = logits - logits.logsumexp(dim=0, keepdim=True)
        logits = logits - logits.logsumexp(dim=1, keepdim=True)
    return logits.softmax(dim=1)


def swapped_prediction_loss(
    view_a: Tensor,
    view_b: Tensor,
    prototypes: Tensor,
    *,
    temperature: float,
    epsilon: float,
    iterations: int,
) -> Tensor:
    """Return the swapped-prediction cross-entropy between two views, a scalar.

    Args:
        view_a: Codes of the first views, (B, K).
        view_b: Codes of the second views, (B, K).
        prototypes: Prototypes in code space, (P, K).
        temperature: Temperature of the prediction's softmax.
        epsilon: Entropy regularization of the Sinkhorn assignment.
        iterations: Iterations of the Sinkhorn assignment.
    """
    unit = F.normalize(prototypes, dim=1)
    cosines = [F.normalize(view, dim=1) @ unit.T for view in (view_a, view_b)]
    wanted = [sinkhorn(each, epsilon=epsilon, iterations=iterations) for each in cosines]
    first, second = (
        F.cross_entropy(each / temperature, other)
        for each, other in zip(cosines, reversed(wanted), strict=True)
    )
    return (first + second) / 2


class SwavLoss(nn.Module):
    """SwAV loss over the codes of a batch's views, with learned prototypes.

    Args:
        bits: K, the length of a code.
        num_prototypes: P.
        temperature: Temperature of the prediction's softmax.
        epsilon: Entropy regularization of the Sinkhorn assignment.
        iterations: Iterations of the Sinkhorn assignment.
    """

    def __init__(
        self, *, bits: int, num_prototypes: int, temperature: float, epsilon: float, iterations: int
    ) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(num_prototypes, bits))
        self.temperature, self.epsilon, self.iterations = temperature, epsilon, iterations

    @classmethod
    def from_config(cls, config: SwavConfig, context: LossContext) -> Self:
        """Build the loss from its config section, with new prototypes."""
        return cls(
            bits=context.bits,
            num_prototypes=config.num_prototypes,
            temperature=config.temperature,
            epsilon=config.epsilon,
            iterations=config.iterations,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss."""
        view_a, view_b = step.output.codes.chunk(2)
        loss = swapped_prediction_loss(
            view_a,
            view_b,
            self.prototypes,
            temperature=self.temperature,
            epsilon=self.epsilon,
            iterations=self.iterations,
        )
        return loss, {}
