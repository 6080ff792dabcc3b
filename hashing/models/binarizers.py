"""Differentiable binarization for training: straight-through estimator, or tanh continuation.

Straight-through, Bengio, Leonard and Courville (2013): https://arxiv.org/abs/1308.3432
Continuation, HashNet (2017), section 3.3: https://arxiv.org/abs/1702.00758
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Binarizer(Protocol):
    """Interface of a differentiable sign; at test time, a code is the sign of the values."""

    def __call__(self, values: Tensor) -> Tensor:
        """Map values of any shape to differentiable approximations of their signs."""
        ...

    def set_progress(self, progress: float) -> None:
        """Set the fraction of the training steps that are done, in [0, 1]."""
        ...


class _StraightThroughSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return torch.where(values >= 0, 1.0, -1.0).to(values.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        # Zero outside of (-1, 1), as hard tanh: values do not grow without bound.
        gradient: Tensor = gradients[0] * (values.abs() < 1)
        return gradient


def sign(values: Tensor) -> Tensor:
    """Return the sign of values with a straight-through gradient: 1 inside (-1, 1), 0 outside.

    Args:
        values: Any shape; the sign of 0 is +1.

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
    """Straight-through estimator: :func:`sign` at every step."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the signs of values of any shape."""
        return sign(values)

    def set_progress(self, progress: float) -> None:
        """Do nothing: there is no schedule."""


class Continuation(nn.Module):
    """Continuation: ``tanh(beta * value)`` with a ``beta`` that grows over the training.

    ``beta`` is a function of the progress alone, so a resumed run has the same one.

    Args:
        start: ``beta`` at the first step.
        end: ``beta`` at the last step.
    """

    beta: Tensor

    def __init__(self, *, start: float, end: float) -> None:
        super().__init__()
        self.start, self.end = start, end
        self.register_buffer("beta", torch.tensor(start), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Map values of any shape to (-1, 1)."""
        return torch.tanh(self.beta * values)

    def set_progress(self, progress: float) -> None:
        """Set ``beta`` for a fraction of the training steps, in [0, 1]."""
        self.beta.fill_(beta_at(progress, start=self.start, end=self.end))


def beta_at(progress: float, *, start: float, end: float) -> float:
    """Return ``beta`` at a fraction of the training: geometric growth [I].

    >>> [round(beta_at(x, start=1.0, end=16.0), 6) for x in (0.0, 0.5, 1.0)]
    [1.0, 4.0, 16.0]
    """
    return float(start * (end / start) ** progress)
