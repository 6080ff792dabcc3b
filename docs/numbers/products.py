"""The matrix products of some work: written down while it runs, then done again alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Operand = tuple[torch.Size, tuple[int, ...]]  # shape and strides
Product = tuple[Operand, Operand]

_aten = torch.ops.aten
_FORWARD = _aten._scaled_dot_product_flash_attention_for_cpu.default
_BACKWARD = _aten._scaled_dot_product_flash_attention_for_cpu_backward.default
_LEFT = {
    _aten.mm.default: 0,
    _aten.bmm.default: 0,
    _aten.addmm.default: 1,
    _aten.baddbmm.default: 1,
}


class Watch(TorchDispatchMode):
    """Writes down every matrix product that runs within it, forward and backward.

    Attention counts as its two products forward and its four backward.

    Attributes:
        products: What was seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.products: list[Product] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Note a product and let it happen."""
        if func not in _LEFT and func not in (_FORWARD, _BACKWARD):
            with self:  # without gradients, layers arrive whole: look at what they are made of
                parts = func.decompose(*args, **(kwargs or {}))
            if parts is not NotImplemented:
                return parts
        if func in _LEFT:
            first = _LEFT[func]
            self.products.append((_operand(args[first]), _operand(args[first + 1])))
        elif func is _FORWARD:
            query, _, value = args[:3]
            self._attention(query, value, times=1)
        elif func is _BACKWARD:
            _, query, _, value = args[:4]
            self._attention(query, value, times=2)
        return func(*args, **(kwargs or {}))

    def _attention(self, query: Tensor, value: Tensor, *, times: int) -> None:
        """Note (T x d) @ (d x T) and (T x T) @ (T x d) for each head of each clip."""
        batch, heads, time, size = query.shape
        tall, wide = (_plain(batch * heads, *sides) for sides in ((time, size), (size, time)))
        square = _plain(batch * heads, time, time)
        values = _plain(batch * heads, time, value.shape[3])
        self.products += [(tall, wide), (square, values)] * times


def _operand(tensor: Tensor) -> Operand:
    return tensor.shape, tensor.stride()


def _plain(*shape: int) -> Operand:
    return _operand(torch.empty(shape, device="meta"))


def alone(products: Sequence[Product]) -> Callable[[], None]:
    """Return what does these products and nothing else, on made-up numbers of the same layout."""
    kinds = {operand: _filled(operand) for product in products for operand in product}
    results: dict[torch.Size, Tensor] = {}
    steps = []
    for left, right in products:
        size = torch.Size([*left[0][:-1], right[0][-1]])
        out = results.setdefault(size, torch.empty(size))
        steps.append((kinds[left], kinds[right], out))

    def run() -> None:
        for left, right, out in steps:
            torch.matmul(left, right, out=out)

    return run


def _filled(operand: Operand) -> Tensor:
    shape, strides = operand
    return torch.empty_strided(shape, strides).normal_()


def work(products: Sequence[Product]) -> int:
    """Return the multiplications of some products.

    >>> work([(_plain(2, 3), _plain(3, 4))])
    24
    """
    return sum(left[0].numel() * right[0][-1] for left, right in products)
