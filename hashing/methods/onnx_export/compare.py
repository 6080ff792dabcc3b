"""Compare an exported model with the model itself, bit by bit, on the videos of a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.base import FeatureStore

from ...models.hasher import ValueHasher
from ...retrieval.encode import finite_features
from .file import OnnxHasher

ALLOWED = 1e-4  # of the bits may differ: values that are 0 within rounding errors


@dataclass(frozen=True, slots=True)
class DifferentBit:
    """A bit that the exported model gives another value of.

    Attributes:
        path: Of the video, as the store has it.
        bit: Its number, from 0 on.
        value: The model's own value.
        exported: That of the ONNX file.
    """

    path: bytes
    bit: int
    value: float
    exported: float


@dataclass(slots=True)
class BitComparison:
    """What was compared.

    Attributes:
        videos: How many videos.
        bits: How many bits of theirs, in all.
        different: Those that differ.
        largest: Largest difference between two values.
    """

    videos: int = 0
    bits: int = 0
    different: list[DifferentBit] = field(default_factory=list)
    largest: float = 0.0

    @property
    def equal(self) -> float:
        """Share of the bits that are equal, 0 to 1."""
        return 1 - len(self.different) / self.bits if self.bits else 1.0

    def check(self) -> None:
        """Check that no more bits differ than rounding explains: 1 in 10,000, or one in all.

        Raises:
            UsageError: If more do.
        """
        if len(self.different) <= max(1, ALLOWED * self.bits):
            return
        first = self.different[0]
        raise UsageError(
            f"{len(self.different)} of {self.bits} bits of the exported model differ, such as bit "
            f"{first.bit} ({first.value:.6g}, exported {first.exported:.6g}); nothing was written",
            hint="values so near to 0 are left to chance; train with `--set hash.binarize=video`, "
            "or report it with the model's `config.json`",
        )


def compare(
    store: FeatureStore,
    hasher: ValueHasher,
    exported: OnnxHasher,
    *,
    progress: Callable[[int], None] = lambda videos: None,
) -> BitComparison:
    """Encode every video of a store by a model and by its export.

    Args:
        store: Features that fit the model.
        hasher: The model.
        exported: The same model as an ONNX file.
        progress: Called with the number of videos done since the last call.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    found = BitComparison()
    rows = np.arange(len(store.videos))
    for part, features in finite_features(store, rows):
        paths = [store.videos.paths[row] for row in rows[part]]
        _add(found, paths, hasher.values(features), exported.values(features))
        progress(len(features))
    return found


def _add(
    found: BitComparison,
    paths: list[bytes],
    own: npt.NDArray[np.float32],
    theirs: npt.NDArray[np.float32],
) -> None:
    found.videos += len(own)
    found.bits += own.size
    found.largest = max(found.largest, float(np.abs(own - theirs).max(initial=0)))
    for row, bit in np.argwhere((own >= 0) != (theirs >= 0)).tolist():
        values = float(own[row, bit]), float(theirs[row, bit])
        found.different.append(DifferentBit(paths[row], bit, *values))
