"""A folder of published feature files as a feature store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...errors import DamageError, NotFoundError
from ...records import FailedVideo, Fingerprint, StoreMeta
from ..base import Rows
from ..integrity import faults
from ..row_numbers import row_numbers
from .features import FeatureFile
from .labels import read_labels
from .layouts import Layout
from .table import synthetic_table

PREPROCESSING = "as published, unscaled"


class PublishedStore:
    """See ``FeatureStore``; rows are those of one file after the other.

    What the files do not hold is left open: no seconds (NaN), no candidates, no views. The
    fingerprint stands for these very files: its SHA-256 is over the identity of each.

    Args:
        path: The folder.
        layout: The data set that it holds.

    Raises:
        NotFoundError: If a file of the set is missing.
        DamageError: If a file is damaged, or the files do not fit together.
    """

    failed: tuple[FailedVideo, ...] = ()

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.root = path, os.fsencode(path)
        _check_present(path, layout)
        with ExitStack() as stack:
            self._files = [FeatureFile(path / part.feats) for part in layout.parts]
            for file in self._files:
                stack.callback(file.close)
            self._fill(layout)
            self._opened = stack.pop_all()

    def _fill(self, layout: Layout) -> None:
        first = self._files[0]
        for file in self._files:
            if file.shape[1:] != first.shape[1:]:
                hint = f"expected {_size(first)}, as in `{first.path.name}`"
                raise DamageError(f"`{file.path}` has features of {_size(file)}", hint=hint)
        counts = [file.shape[0] for file in self._files]
        self._starts = [0, *accumulate(counts)]
        identities = [file.identity() for file in self._files]
        _, frames, dim = first.shape
        self.videos = synthetic_table(
            [part.feats for part in layout.parts],
            counts,
            [part.split for part in layout.parts],
            _labels(self.path, layout, counts),
            identities,
            frames,
        )
        digest = hashlib.sha256(b"".join(identities)).hexdigest()
        backbone = f"published:{layout.name}"
        self._dtype = np.result_type(*(file.dtype for file in self._files))
        self.meta = StoreMeta(
            Fingerprint(backbone, digest, dim, PREPROCESSING),
            frames,
            sampling="published",
            dtype=self._dtype.name,
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        return len(self.videos), self.meta.frames, self.meta.fingerprint.dim

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), float16 if all files are, else float32.

        Raises:
            DamageError: If a file is damaged there.
            IndexError: If there is no such row.
        """
        numbers = row_numbers(rows, len(self.videos))
        out = np.empty((len(numbers), *self.shape[1:]), self._dtype)
        for place, start, stop in self._runs(numbers):
            which = int(np.searchsorted(self._starts, start, side="right")) - 1
            first = self._starts[which]
            out[place : place + stop - start] = self._files[which].take(start - first, stop - first)
        return out

    def _runs(self, numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
        """Yield each run of consecutive rows of one file: place in ``numbers``, start, stop."""
        breaks = (np.diff(numbers) != 1) | np.isin(numbers[1:], self._starts)
        edges = [0, *(np.flatnonzero(breaks) + 1).tolist(), len(numbers)]
        for a, b in pairwise(edges):
            if b > a:
                yield a, int(numbers[a]), int(numbers[b - 1]) + 1

    def seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return NaN, (n, T): when the frames are shown is not published."""
        return np.full(self._times(rows), np.nan)

    def index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return 0 to T - 1, (n, T): only the frames' order is known."""
        return np.broadcast_to(np.arange(self.meta.frames), self._times(rows)).copy()

    def candidates(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return no candidates, (n, T, 0, D)."""
        return np.empty((*self._times(rows), 0, self.shape[2]), self._dtype)

    def candidate_seconds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Return no candidates' seconds, (n, T, 0)."""
        return np.empty((*self._times(rows), 0))

    def candidate_index(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return no candidates' numbers, (n, T, 0)."""
        return np.empty((*self._times(rows), 0), np.int64)

    def views(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return no views, (n, 0, T, D)."""
        count, frames = self._times(rows)
        return np.empty((count, 0, frames, self.shape[2]), self._dtype)

    def augmentation(self) -> None:
        """Return None: the videos are not at hand to augment."""
        return None

    def damage(self) -> Iterator[str]:
        """Read every row; yield one line for those that cannot be read."""
        if bad := self.bad_rows():
            yield faults.row_line(self.path, ("feats",), bad)

    def bad_rows(self) -> list[int]:
        """Return the rows that cannot be read; published files have no checksums."""
        return faults.bad_rows(
            lambda rows: self.features(slice(rows.start, rows.stop)), len(self.videos)
        )

    def close(self) -> None:
        """Release the files."""
        self._opened.close()

    def __enter__(self) -> PublishedStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"PublishedStore({str(self.path)!r}, {n} videos x {t} frames x {d})"

    def _times(self, rows: Rows) -> tuple[int, int]:
        return len(row_numbers(rows, len(self.videos))), self.meta.frames


def _check_present(path: Path, layout: Layout) -> None:
    missing = [name for name in layout.files if not (path / name).is_file()]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        hint = f"the set `{layout.name}` consists of {', '.join(layout.files)}"
        raise NotFoundError(f"`{path}` lacks {names}", hint=hint)


def _labels(path: Path, layout: Layout, counts: list[int]) -> npt.NDArray[np.uint8]:
    """Return the labels of all videos, (N, C); zeros where none are published."""
    found: dict[int, npt.NDArray[np.uint8]] = {}
    for number, (part, count) in enumerate(zip(layout.parts, counts, strict=True)):
        if part.labels is not None:
            found[number] = read_labels(path / part.labels, part.key, count)
    classes = next(iter(found.values())).shape[1]
    for number, labels in found.items():
        if labels.shape[1] != classes:
            name = layout.parts[number].labels
            message = f"`{path / str(name)}` has {labels.shape[1]} classes"
            raise DamageError(message, hint=f"expected {classes}, as in the set's other labels")
    blank = [np.zeros((count, classes), np.uint8) for count in counts]
    return np.concatenate([found.get(number, one) for number, one in enumerate(blank)])


def _size(file: FeatureFile) -> str:
    _, frames, dim = file.shape
    return f"{frames} frames x {dim} numbers"
