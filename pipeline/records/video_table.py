"""The columns of a store: one line for each video."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, repr=False)
class VideoTable:
    """All per-video columns of a store but the features, (N, ...) each.

    Attributes:
        ids: SHA-256 of each file's bytes, (N, 32).
        checksums: SHA-256 of each row's bytes in ``feats``, (N, 32).
        paths: ``os.fsencode``, relative to the store's root, N of them.
        notes: N messages that explain each row's status, most of them empty.
        labels: Multi-hot, (N, C).
        label_names: C names.
        split: :class:`Split` numbers, (N,).
        status: :class:`Status` numbers, (N,).
        reader: :class:`Reader` numbers, (N,).
        duration: Seconds, (N,).
        fps: (N,).
        width: (N,).
        height: (N,).
        frames: Shown frames, (N,).
        track: Which video track was read, the first being 0, -1 where unknown, (N,).
        size: Bytes of each file, (N,).
        mtime_ns: (N,).
        blank: :class:`Blank` numbers, (N,).
    """

    ids: npt.NDArray[np.uint8]
    checksums: npt.NDArray[np.uint8]
    paths: tuple[bytes, ...]
    notes: tuple[str, ...]
    labels: npt.NDArray[np.uint8]
    label_names: tuple[str, ...]
    split: npt.NDArray[np.uint8]
    status: npt.NDArray[np.uint8]
    reader: npt.NDArray[np.uint8]
    duration: npt.NDArray[np.float64]
    fps: npt.NDArray[np.float64]
    width: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    frames: npt.NDArray[np.int64]
    track: npt.NDArray[np.int16]
    size: npt.NDArray[np.int64]
    mtime_ns: npt.NDArray[np.int64]
    blank: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"VideoTable({len(self)} videos, {len(self.label_names)} labels)"

    def names_of(self, row: int) -> tuple[str, ...]:
        """Return the label names of one row."""
        return tuple(self.label_names[i] for i in np.flatnonzero(self.labels[row]))
