"""Position-wise feed-forward layer (MLP) of a transformer block.

GLU variants improve transformer (2020), section 1, also on leaving out biases:
https://arxiv.org/abs/2002.05202
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

Activation = Literal["relu", "gelu"]


class FeedForward(nn.Sequential):
    """Linear layer, activation, linear layer.

    Args:
        hidden_dim: H.
        feed_forward_dim: Hidden size of the layer.
        activation: Activation function.
        bias: Whether the first linear layer has a bias; the second always has.
    """

    def __init__(
        self, *, hidden_dim: int, feed_forward_dim: int, activation: Activation, bias: bool
    ) -> None:
        super().__init__(
            nn.Linear(hidden_dim, feed_forward_dim, bias=bias),
            nn.ReLU() if activation == "relu" else nn.GELU(),
            nn.Linear(feed_forward_dim, hidden_dim),
        )
        self.lean = activation == "relu" and not bias

    def forward(self, frames: Tensor) -> Tensor:
        """Transform frames (..., H)."""
        kind = frames.device.type
        lower = torch.is_autocast_enabled(kind)
        if not self.lean or kind != "cpu" or lower or torch.compiler.is_compiling():
            plain: Tensor = super().forward(frames)  # type: ignore[no-untyped-call]
            return plain
        into, _, out = self
        lean: Tensor = _InPlaceReLUFeedForward.apply(frames, into.weight, out.weight, out.bias)
        return lean


class _InPlaceReLUFeedForward(torch.autograd.Function):
    """Feed-forward layer with ReLU applied in place, forward and backward.

    On a CPU, the hidden activations of a batch do not fit the cache: memory traffic dominates, and
    each pass over them that is avoided saves time. Results equal those of the plain layers.
    """

    @staticmethod
    def forward(ctx: Any, frames: Tensor, into: Tensor, out: Tensor, bias: Tensor) -> Tensor:
        """Transform frames (..., H)."""
        rows = frames.reshape(-1, frames.shape[-1])
        hidden = (rows @ into.T).clamp_min_(0)
        ctx.save_for_backward(rows, hidden, into, out)
        return F.linear(hidden, out, bias).view(frames.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of the four inputs."""
        rows, hidden, into, out = ctx.saved_tensors
        above_rows = above.reshape(-1, above.shape[-1])
        back = above_rows @ out
        torch.ops.aten.threshold_backward.grad_input(back, hidden, 0, grad_input=back)
        frames = (back @ into).view(above.shape)
        return frames, back.T @ rows, above_rows.T @ hidden, above_rows.sum(dim=0)
