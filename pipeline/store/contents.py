"""What goes into a store, cut into blocks of rows so that N videos are never in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from pipeline.records import FailedVideo, StoreMeta, VideoFeatures
from pipeline.store import layout
from pipeline.store.layout import Array, Block


@dataclass(frozen=True)
class Contents:
    """Everything that a store will hold; its rows can be read once.

    Attributes:
        root: Folder that the paths are relative to, ``os.fsencode``.
        meta: The settings that all rows were made with.
        rows: ``count`` videos.
        count: N.
        failed: Videos without a row.
        label_names: All C of them; each label of a row is among them.
    """

    root: bytes
    meta: StoreMeta
    rows: Iterable[VideoFeatures]
    count: int
    failed: Sequence[FailedVideo]
    label_names: Sequence[str]
    _digest: layout.TableDigest = field(default_factory=layout.TableDigest)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"a store has at least one video, not {self.count}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (N, T, D)."""
        return self.count, self.meta.frames, self.meta.fingerprint.dim

    @property
    def dtype(self) -> str:
        """Return the little-endian dtype of the features."""
        return np.dtype(self.meta.dtype).newbyteorder("<").str

    def blocks(self, size: int) -> Iterator[tuple[int, Block]]:
        """Yield (first row, rows) until all N videos are through.

        Raises:
            ValueError: If there are not exactly N videos, or one has another shape.
        """
        start, rows = 0, iter(self.rows)
        while some := list(islice(rows, size)):
            if start + len(some) > self.count:
                raise ValueError(f"more than the {self.count} videos that were promised")
            block = self._block(some)
            self._digest.update(block)
            yield start, block
            start += len(some)
        if start != self.count:
            raise ValueError(f"{start} videos, but {self.count} were promised")

    def rest(self) -> dict[str, Array]:
        """Return the arrays that are not one row for each video."""
        names = layout.strings(layout.to_bytes(name) for name in self.label_names)
        return {layout.LABEL_NAMES: names, **layout.failed_arrays(self.failed)}

    def table_sha256(self) -> str:
        """Return the digest of all but the frames' arrays; call it after the last block."""
        return self._digest.hexdigest(self.rest())

    def _block(self, rows: list[VideoFeatures]) -> Block:
        features = np.stack([self._features(row) for row in rows])
        block: dict[str, Array] = {
            layout.FEATURES: features,
            layout.SECONDS: np.stack([row.seconds for row in rows]).astype("<f8"),
            layout.INDEX: np.stack([row.index for row in rows]).astype("<i8"),
            layout.PATH: layout.strings(row.path for row in rows),
            "video/id": _octets(row.video_id for row in rows),
            "video/checksum": _octets(checksum(row) for row in features),
            "video/labels": self._labels(rows),
        }
        for column in layout.COLUMNS:
            if column.name not in block:
                block[column.name] = np.array([_fact(r, column.field) for r in rows], column.dtype)
        return block

    def _features(self, row: VideoFeatures) -> npt.NDArray[np.floating]:
        if row.features.shape != self.shape[1:]:
            raise ValueError(f"{row!r} in a store of {self.shape[1]} frames x {self.shape[2]}")
        with np.errstate(over="ignore"):  # becomes Inf, which training refuses by name
            return row.features.astype(self.dtype)

    def _labels(self, rows: list[VideoFeatures]) -> npt.NDArray[np.uint8]:
        column_of = {name: column for column, name in enumerate(self.label_names)}
        labels = np.zeros((len(rows), len(column_of)), np.uint8)
        for line, row in zip(labels, rows, strict=True):
            unknown = [name for name in row.labels if name not in column_of]
            if unknown:
                raise ValueError(f"{row!r} has the label `{unknown[0]}`, which the store has not")
            line[[column_of[name] for name in row.labels]] = 1
        return labels


def checksum(row: npt.NDArray[np.generic]) -> bytes:
    """Return the SHA-256 of one video's features as they lie on disk, (T, D)."""
    little = row.astype(row.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).tobytes()).digest()


def _fact(row: VideoFeatures, name: str) -> object:
    return getattr(row.info if hasattr(row.info, name) else row, name)


def _octets(digests: Iterable[bytes]) -> npt.NDArray[np.uint8]:
    return np.stack([np.frombuffer(digest, np.uint8) for digest in digests])
