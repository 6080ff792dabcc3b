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
from ...records import Fingerprint, StoreMeta
from ..base import Rows, row_numbers
from ..features_only import FeaturesOnlyStore
from .feature_file import FeatureFile
from .labels import read_labels
from .layouts import Layout
from .table import synthetic_table

PREPROCESSING = "as published, unscaled"


class PublishedStore(FeaturesOnlyStore):
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
        self.dtype = np.result_type(*(file.dtype for file in self._files))
        self.meta = StoreMeta(
            Fingerprint(backbone, digest, dim, PREPROCESSING),
            frames,
            sampling="published",
            dtype=self.dtype.name,
        )

    def features(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return the features of some rows, (n, T, D), float16 if all files are, else float32.

        Raises:
            DamageError: If a file is damaged there.
            IndexError: If there is no such row.
        """
        numbers = row_numbers(rows, len(self.videos))
        out = np.empty((len(numbers), *self.shape[1:]), self.dtype)
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

    def close(self) -> None:
        """Release the files."""
        self._opened.close()

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"PublishedStore({str(self.path)!r}, {n} videos x {t} frames x {d})"


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
