"""Signs with a gradient: the straight-through estimator.

Bengio, Leonard and Courville (2013): https://arxiv.org/abs/1308.3432
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
