"""Interface of a trained model: it encodes features to binary codes, and to the values before."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

F32 = npt.NDArray[np.float32]


class Hasher(Protocol):
    """Encodes frame features to binary codes."""

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        ...

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D), for any T, to codes (B, K): true where a value is >= 0."""
        ...


@runtime_checkable
class ValueHasher(Hasher, Protocol):
    """A hasher that also gives the values before binarization."""

    def values(self, features: npt.NDArray[np.floating]) -> F32:
        """Map videos (B, T, D) to values (B, K) float32; :meth:`encode` is ``values >= 0``."""
        ...


def with_values(hasher: Hasher) -> ValueHasher:
    """Return a hasher as one that gives values.

    Raises:
        UsageError: If it has no method `values`, as a plug-in's may not.
    """
    if not isinstance(hasher, ValueHasher):
        raise UsageError(
            f"the hasher `{type(hasher).__name__}` has no method `values`, which the asymmetric "
            "distance needs",
            hint="take the distance `hamming`, or give the plug-in's hasher "
            "`values(features) -> (B, K) float32`, whose signs are the bits",
        )
    return hasher
