"""Take a network's layers out of its saved tensors, and notice what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..hasher import F32
from .layers import LayerNorm, Linear


class TensorReader:
    """Saved tensors by name; remembers which were read.

    Args:
        tensors: The tensors.
    """

    def __init__(self, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        self._tensors = tensors
        self._unread = set(tensors)

    def array(self, name: str, *shape: int) -> F32:
        """Return one tensor as float32.

        Args:
            name: Its name.
            shape: Its shape, -1 for any size of an axis.

        Raises:
            KeyError: If there is none.
            ValueError: If it is of another shape.
        """
        found = self._tensors[name]
        if len(found.shape) != len(shape) or any(
            size not in (-1, own) for own, size in zip(found.shape, shape, strict=True)
        ):
            raise ValueError(f"the tensor `{name}` is {found.shape}, not {shape}")
        self._unread.discard(name)
        return np.ascontiguousarray(found, np.float32)

    def has(self, name: str) -> bool:
        """Return whether there is a layer or tensor of this name."""
        return any(one == name or one.startswith(f"{name}.") for one in self._tensors)

    def linear(self, name: str, outputs: int, inputs: int, *, bias: bool = True) -> Linear:
        """Return a linear layer; raises as :meth:`array`."""
        weight = self.array(f"{name}.weight", outputs, inputs)
        return Linear(weight, self.array(f"{name}.bias", len(weight)) if bias else None)

    def norm(self, name: str, size: int) -> LayerNorm:
        """Return a layer norm; raises as :meth:`array`."""
        return LayerNorm(self.array(f"{name}.weight", size), self.array(f"{name}.bias", size))

    def finish(self, *unused: str) -> None:
        """Check that every tensor was read, but for those that only training needs.

        Raises:
            ValueError: If the network has others.
        """
        if unknown := self._unread - set(unused):
            raise ValueError(f"the network has no tensors {sorted(unknown)}")
