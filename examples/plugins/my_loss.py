"""A loss of your own: every bit should be 0 in half of the videos.

Use: chainpipe train feats.h5 --plugin my_loss.py --set bit_balance.weight=0.1
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from chainpipe.plugins import LossConfig, LossContext, Step, about, register


@dataclass(frozen=True)
class BitBalanceConfig(LossConfig):
    """Bits that are 0 in half of the videos."""

    power: float = field(default=2.0, metadata=about("of each bit's mean", low=1.0, high=4.0))


@register.loss("bit_balance", config=BitBalanceConfig)
class BitBalanceLoss(nn.Module):
    """The mean over bits of |mean over the batch| to a power."""

    def __init__(self, *, power: float) -> None:
        super().__init__()
        self.power = power

    @classmethod
    def from_config(cls, config: BitBalanceConfig, context: LossContext) -> BitBalanceLoss:
        """Build the loss from its section."""
        return cls(power=config.power)

    def forward(self, step: Step) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch's codes (2B, K), and a measure for the history."""
        means = torch.tanh(step.output.values).mean(dim=0)  # (K,)
        return means.abs().pow(self.power).mean(), {"largest_bit_mean": means.detach().abs().max()}
