"""What the losses see in place of signs: straight-through signs, or tanh with continuation.

Straight-through, Bengio, Leonard and Courville (2013): https://arxiv.org/abs/1308.3432
Continuation, HashNet (2017), section 3.3: https://arxiv.org/abs/1702.00758
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Binarizer(Protocol):
    """Brings values near +1 and -1 in training; at test time a code is their signs, 0 is +1."""

    def __call__(self, values: Tensor) -> Tensor:
        """Return the stand-ins for signs of values of any shape, with a gradient."""
        ...

    def set_progress(self, progress: float) -> None:
        """Be told which share of the training steps is done, in [0, 1]."""
        ...


class _StraightThroughSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return torch.where(values >= 0, 1.0, -1.0).to(values.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        passed: Tensor = gradients[0] * (values.abs() < 1)
        return passed


def sign(values: Tensor) -> Tensor:
    """Return +1 where a value is >= 0, else -1; the gradient passes inside (-1, 1), 0 outside.

    Args:
        values: Any shape.

    Example:
        >>> x = torch.tensor([-2.0, -0.5, 0.0], requires_grad=True)
        >>> sign(x).detach()
        tensor([-1., -1.,  1.])
        >>> sign(x).sum().backward()
        >>> x.grad
        tensor([0., 1., 1.])
    """
    result: Tensor = _StraightThroughSign.apply(values)
    return result


class StraightThrough(nn.Module):
    """:func:`sign`, the same from the first step to the last."""

    def forward(self, values: Tensor) -> Tensor:
        """Return signs."""
        return sign(values)

    def set_progress(self, progress: float) -> None:
        """Nothing changes over the training."""


class Continuation(nn.Module):
    """``tanh(beta * value)``: smooth at first, near the sign at the end.

    ``beta`` follows from the share of the training that is done and from nothing else.

    Args:
        start: ``beta`` before the first step.
        end: ``beta`` after the last.
    """

    beta: Tensor

    def __init__(self, *, start: float, end: float) -> None:
        super().__init__()
        self.start, self.end = start, end
        self.register_buffer("beta", torch.tensor(start), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Return numbers between -1 and 1."""
        return torch.tanh(self.beta * values)

    def set_progress(self, progress: float) -> None:
        """Set ``beta`` for a share of the training steps."""
        self.beta.fill_(beta_at(progress, start=self.start, end=self.end))


def beta_at(progress: float, *, start: float, end: float) -> float:
    """Return the sharpness at a share of the training: it grows by equal factors [I].

    >>> [round(beta_at(x, start=1.0, end=16.0), 6) for x in (0.0, 0.5, 1.0)]
    [1.0, 4.0, 16.0]
    """
    return float(start * (end / start) ** progress)
