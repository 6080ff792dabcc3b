"""First pass over imported features: shapes, types, numbers that are not finite, ids and labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..console import counted
from ..errors import UsageError
from ..store.integrity.faults import ranges
from .source import FeatureSource, SourceRow, check_size
from .values import RawColumns

FLOATS = (np.dtype(np.float16), np.dtype(np.float32))
_SHOWN = 3  # bad rows that a message describes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A video that cannot be stored.

    Attributes:
        number: Its place among all videos.
        place: The same for messages.
        reason: Why.
    """

    number: int
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class SourceSurvey:
    """What N videos of a source are.

    Attributes:
        raw: Ids, labels and splits of the good ones.
        lengths: T of each good one.
        dim: D.
        dtype: Of the store.
        bad: Videos that cannot be stored.
        sha256: Over all good features, ids, labels and splits, hexadecimal.
    """

    raw: RawColumns
    lengths: tuple[int, ...]
    dim: int
    dtype: np.dtype[Any]
    bad: tuple[BadRow, ...]
    sha256: str

    @property
    def bad_numbers(self) -> frozenset[int]:
        """Numbers of the videos that cannot be stored."""
        return frozenset(one.number for one in self.bad)


def survey(
    source: FeatureSource,
    dtype: np.dtype[Any] | None,
    *,
    progress: Callable[[int], None] = lambda videos: None,
) -> SourceSurvey:
    """Read all videos once.

    Args:
        source: The videos.
        dtype: Of the store; ``None`` keeps float16 and float32 as they are.
        progress: Called with the number of videos read since the last call.

    Raises:
        UsageError: If one has another shape than the others or a type that is not stored without
            being asked for, or there are none.
        DamageError: If the source is damaged.
    """
    raw, lengths, bad = RawColumns([], [], []), list[int](), list[BadRow]()
    digest, dim, widest = hashlib.sha256(), 0, FLOATS[0]
    for number, row in enumerate(source.rows()):
        progress(1)
        if reason := _missing(row):
            bad.append(BadRow(number, row.place, reason))
            continue
        features = frames_of(row)
        dim = dim or features.shape[1]
        _check(row, features, dim, dtype)
        widest = max(widest, features.dtype.newbyteorder("="), key=lambda one: one.itemsize)
        if reason := _not_finite(features, dtype):
            bad.append(BadRow(number, row.place, reason))
            continue
        lengths.append(len(features))
        digest.update(np.ascontiguousarray(features).tobytes())
        for part in ("ids", "labels", "splits"):
            getattr(raw, part).append(getattr(row, part))
    digest.update(repr((raw, lengths, dim, widest)).encode("utf-8", "surrogateescape"))
    return SourceSurvey(raw, tuple(lengths), dim, dtype or widest, tuple(bad), digest.hexdigest())


def frames_of(row: SourceRow) -> npt.NDArray[Any]:
    """Return the features of a video as frames, (T, D); (D,) is one frame.

    Raises:
        UsageError: If they have other axes, or none of some.
    """
    found = row.features
    if found is None or found.ndim not in (1, 2) or 0 in found.shape:
        shape = None if found is None else list(found.shape)
        raise UsageError(f"{row.place} is {shape}", hint="a video is [T, D], or [D] for one frame")
    check_size(row.place, found.nbytes)
    return found if found.ndim == 2 else found[None]


def bad_words(bad: tuple[BadRow, ...]) -> str:
    """Return which videos cannot be stored, and why, in one line.

    >>> bad_words((BadRow(2, "row 2", "holds NaN"), BadRow(3, "row 3", "is empty")))
    '2 videos cannot be stored (2-3): row 2 holds NaN; row 3 is empty'
    """
    listed = ranges([one.number for one in bad])
    listed = listed if len(listed) < 60 else f"{listed[:57]}..."
    described = "; ".join(f"{one.place} {one.reason}" for one in bad[:_SHOWN])
    more = "; ..." * (len(bad) > _SHOWN)
    return f"{counted(len(bad), 'video')} cannot be stored ({listed}): {described}{more}"


def rows_without(source: FeatureSource, left_out: frozenset[int]) -> Iterator[SourceRow]:
    """Yield the videos of a source but some by number."""
    return (row for number, row in enumerate(source.rows()) if number not in left_out)


def _missing(row: SourceRow) -> str:
    """Return why a video has no features, empty if it has some."""
    if row.features is None:
        return "has no features"
    return "is empty" if row.features.ndim in (1, 2) and 0 in row.features.shape else ""


def _check(
    row: SourceRow, features: npt.NDArray[Any], dim: int, dtype: np.dtype[Any] | None
) -> None:
    """Refuse another D, or a type that is not stored as it is."""
    if features.shape[1] != dim:
        found = f"{row.place} has {features.shape[1]} features a frame, those before {dim}"
        raise UsageError(found, hint="all videos of a store have features of one network")
    kind = features.dtype
    if kind.kind not in "fiu" or (dtype is None and kind.newbyteorder("=") not in FLOATS):
        hint = "`--dtype float32` converts it"
        if kind.kind not in "fiu":
            hint = "features are numbers"
        raise UsageError(f"{row.place} is {kind}, which is not stored as it is", hint=hint)


def _not_finite(features: npt.NDArray[Any], dtype: np.dtype[Any] | None) -> str:
    """Return how many numbers are NaN or infinite, or become so; empty if none."""
    stored = as_stored(features, dtype or features.dtype)
    if bad := int(stored.size - np.count_nonzero(np.isfinite(stored))):
        one_type = "" if dtype is None or features.dtype == dtype else f" as {dtype}"
        return (
            f"has {counted(bad, 'number')} that {'is' if bad == 1 else 'are'} NaN or infinite"
            + (one_type)
        )
    return ""


def as_stored(features: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[np.floating]:
    """Return features in the store's type; what is too large for it becomes infinite."""
    with np.errstate(over="ignore"):
        return features.astype(dtype, copy=False)
