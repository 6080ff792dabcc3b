"""Training set of a store: choose its rows, check for NaN and Inf, read features in chunks.

N is the number of training videos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import AugmentationStatistics, Split
from chainpipe.pipeline.store.base import FeatureStore

from ..runtime import distributed

if TYPE_CHECKING:
    from .disk_array import DiskArray

CHUNK = 128  # videos read at once
MEMORY = 1_000_000_000  # bytes; default RAM limit for training features
MEANS_BYTES = 1_200_000_000  # limit for fitting a baseline: means in float32 and float64
EVERY_FRAME = 8000  # videos up to which a covariance is that of every frame
SAMPLE_IDS, ID_DIGITS = 64, 16  # of training videos, by which a model knows its store again
SAMPLED = 100_000  # frames, or a few more, that it is estimated from beyond [ours]


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of a store to train on, and the reasons for leaving out others.

    Attributes:
        rows: Row indices, ascending, (N,).
        split: ``train`` if the store has that split; ``not query or test`` if it has none but
            query, test or val videos; else ``all``.
        duplicates: Number of rows left out because an earlier row has the same file content.
        bad: Indices of rows left out because of NaN or Inf.
        digest: SHA-256 over the rows' checksums, hexadecimal; equal digests, equal features.
    """

    rows: npt.NDArray[np.int64]
    split: str
    duplicates: int
    bad: tuple[int, ...]
    digest: str

    def __len__(self) -> int:
        return len(self.rows)


def training_rows(store: FeatureStore, *, skip_bad: bool = False) -> TrainingRows:
    """Choose the rows to train on: the ``train`` split if there is one, else all; no duplicates.

    Raises:
        UsageError: If features are NaN or Inf and ``skip_bad`` is off, or fewer than 2 rows remain.
    """
    table = store.videos
    split, candidates = _allowed(table.split)
    unique = _first_of_each(table.ids[candidates])
    rows = candidates[unique].astype(np.int64)
    bad = bad_rows(store, rows)
    if len(bad) and not skip_bad:
        raise UsageError(_bad_message(store, bad), hint="`--skip-bad` leaves these videos out")
    rows = np.setdiff1d(rows, bad)
    if len(rows) < 2:
        excluded = len(table.split) - len(candidates)
        more = f"; {excluded} more are excluded by their split" if excluded else ""
        raise UsageError(
            f"`{store.path}` has {len(rows)} different videos to train on",
            hint=f"training needs at least 2{more}",
        )
    duplicates = len(candidates) - len(unique)
    return TrainingRows(
        rows, split, duplicates, tuple(int(row) for row in bad), digest_of(store, rows)
    )


def digest_of(store: FeatureStore, rows: npt.NDArray[np.int64]) -> str:
    """Return the SHA-256 over the checksums of ``rows``, hexadecimal.

    Raises:
        UsageError: If a row index is out of range.
    """
    table = store.videos.checksums
    if len(rows) and rows.max() >= len(table):
        hint = "give every process the same store"
        raise UsageError(f"`{store.path}` has no row {rows.max()}", hint=hint)
    return hashlib.sha256(table[rows].tobytes()).hexdigest()


def holds_training_rows(store: FeatureStore, *, rows: int, digest: str) -> bool:
    """Return whether a store holds the videos that a model was trained on.

    Args:
        store: The store; rows may have been added since.
        rows: How many rows it had then.
        digest: Of the training rows then, see :class:`TrainingRows`.

    Raises:
        DamageError: If its features have to be read and are damaged.
    """
    _, candidates = _allowed(store.videos.split[:rows])
    chosen = candidates[_first_of_each(store.videos.ids[candidates])].astype(np.int64)
    if digest_of(store, chosen) == digest:
        return True
    sound = np.setdiff1d(chosen, bad_rows(store, chosen))  # `--skip-bad` left these out
    return len(sound) < len(chosen) and digest_of(store, sound) == digest


def content_sample(store: FeatureStore, rows: npt.NDArray[np.int64]) -> list[str]:
    """Return the first digits of the smallest ids among some rows: a sample that content decides.

    Args:
        store: The store.
        rows: Rows to sample from.
    """
    ids = sorted({row.tobytes() for row in store.videos.ids[rows]})[:SAMPLE_IDS]
    return [video_id.hex()[:ID_DIGITS] for video_id in ids]


def shares_videos(store: FeatureStore, sample: Sequence[str]) -> bool:
    """Return whether a store holds at least half of a sample of videos, in whatever rows.

    Rows may have been removed, or given to other splits, since :func:`content_sample` drew it.
    """
    ids = {row.tobytes().hex()[:ID_DIGITS] for row in store.videos.ids}
    return bool(sample) and 2 * len(ids.intersection(sample)) >= len(sample)


def bad_rows(store: FeatureStore, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the subset of ``rows`` whose features contain NaN or Inf."""
    parts = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    sound = [np.isfinite(store.features(part)).all(axis=(1, 2)) for part in parts]
    return rows[~np.concatenate(sound)] if sound else rows


def _allowed(split: npt.NDArray[np.uint8]) -> tuple[str, npt.NDArray[np.int64]]:
    """Return the name and the rows of the part to train on: never val, test or query videos.

    >>> _allowed(np.array([Split.QUERY, Split.DATABASE, Split.DATABASE], np.uint8))
    ('not query or test', array([1, 2]))
    """
    train = np.flatnonzero(split == Split.TRAIN)
    if len(train):
        return "train", train
    seen = np.flatnonzero(~np.isin(split, [Split.VAL, Split.TEST, Split.QUERY]))
    return ("all" if len(seen) == len(split) else "not query or test"), seen


def _first_of_each(ids: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the positions of the first video of each id, ascending, for ids (n, 32)."""
    _, first = np.unique(ids, axis=0, return_index=True)
    return np.sort(first)


def _bad_message(store: FeatureStore, bad: npt.NDArray[np.int64]) -> str:
    listed = ", ".join(str(row) for row in bad[:10]) + (", ..." if len(bad) > 10 else "")
    return f"`{store.path}` has NaN or Inf in {counted(len(bad), 'row')} of `feats`: {listed}"


class TrainingFrames:
    """Raw frame features of the training rows, read in chunks, repeatedly.

    Small sets are cached in memory by the first iteration; large ones are read again each time.

    Args:
        store: An open store.
        rows: Row indices, ascending, (N,).
        memory: RAM limit in bytes: half for raw features, half for those after PCA whitening.
        scratch: Folder for larger arrays; ``None`` is the system's folder for temporary files.
        region: Validation videos of content that is in no training video, (N,); ``None``: none.
    """

    def __init__(
        self,
        store: FeatureStore,
        rows: npt.NDArray[np.int64],
        *,
        memory: int = MEMORY,
        scratch: Path | None = None,
        region: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.region = region
        self._store, self._rows, self.meta = store, rows, store.meta
        self._room, self._scratch = memory // 2, scratch
        _, self.frames, self.dim = store.shape
        size = len(rows) * self.frames * self.dim * 2
        self._cache: list[npt.NDArray[np.floating]] | None = [] if size <= self._room else None

    def __len__(self) -> int:
        return len(self._rows)

    def only(
        self, rows: npt.NDArray[np.int64], *, region: npt.NDArray[np.bool_] | None = None
    ) -> TrainingFrames:
        """Return other rows of the same store, with the same limit."""
        return TrainingFrames(
            self._store, rows, memory=2 * self._room, scratch=self._scratch, region=region
        )

    def videos(self) -> Iterator[npt.NDArray[np.floating]]:
        """Yield features (n, T, D), in the order of the rows."""
        if self._cache:
            yield from self._cache
            return
        read = []
        for start in range(0, len(self._rows), CHUNK):
            part = self._store.features(self._rows[start : start + CHUNK])
            if self._cache is not None:
                read.append(part)
            yield part
        if self._cache is not None:
            self._cache = read

    def candidates(self) -> Iterator[npt.NDArray[np.floating]]:
        """Yield the candidates of each segment, (n, T, C, D), in the order of the rows.

        Raises:
            UsageError: If an element is NaN or Inf.
        """
        yield from self._more(self._store.candidates, "candidates")

    def augmented(self) -> Iterator[npt.NDArray[np.floating]]:
        """Yield the augmented views, (n, V, T, D), in the order of the rows.

        Raises:
            UsageError: If an element is NaN or Inf.
        """
        yield from self._more(self._store.views, "views")

    def augmentation(self) -> AugmentationStatistics | None:
        """Return the measured statistics of feature shifts, or ``None``."""
        return self._store.augmentation()

    def _more(
        self, read: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.floating]], name: str
    ) -> Iterator[npt.NDArray[np.floating]]:
        for start in range(0, len(self._rows), CHUNK):
            part = read(self._rows[start : start + CHUNK])
            if not np.isfinite(part).all():
                raise UsageError(
                    f"`{self._store.path}` has NaN or Inf in `{name}`",
                    hint="`views.mode=halves` and `views.spatial=off` do not use it",
                )
            yield part

    def frames_for_covariance(self) -> Iterator[npt.NDArray[np.floating]]:
        """Yield the frames of :meth:`videos_for_covariance`, (n, D) each."""
        for part in self.videos_for_covariance():
            yield part.reshape(-1, self.dim)

    def videos_for_covariance(self) -> Iterator[npt.NDArray[np.floating]]:
        """Yield frames that a covariance is computed from, by video, (n, t, D) each.

        They are all frames of up to ``EVERY_FRAME`` videos. Of more videos they are about
        ``SAMPLED`` seeded draws, as many of each video, because the frames of a video are alike;
        two at least, so that the covariance within videos is known.
        """
        count = len(self)
        if count <= EVERY_FRAME:
            yield from self.videos()
            return
        each = min(self.frames, max(2, -(-SAMPLED // count)))
        rows, rng = self._rows[:: max(1, count // SAMPLED)], np.random.default_rng(0)
        for start in range(0, len(rows), CHUNK):
            part = self._store.features(rows[start : start + CHUNK])
            drawn = rng.random(part.shape[:2]).argsort(axis=1)[:, :each, None]
            yield np.take_along_axis(part, drawn, axis=1)

    def mean_of(self, video: int) -> npt.NDArray[np.float32]:
        """Return the mean features of one video, (D,), by its index."""
        row = self._rows[video : video + 1]
        return np.asarray(self._store.features(row)[0].mean(axis=0, dtype=np.float32))

    def means(self) -> npt.NDArray[np.float32]:
        """Return the mean features of the videos, (n, D), n <= N.

        Every n-th video is taken if all would need more than ``MEANS_BYTES`` to fit a baseline.
        """
        step = -(-12 * self.dim * len(self) // MEANS_BYTES)
        kept, start = [], 0
        for part in self.videos():
            kept.append(part[-start % step :: step].mean(axis=1, dtype=np.float32))
            start += len(part)
        return np.concatenate(kept)

    def halves_cosine(self) -> float:
        """Return the mean cosine between the two halves of a video, centred on the mean video."""
        halves = self.frames // 2 or 1
        centre = np.zeros(self.dim)
        for part in self.videos():
            centre += part.mean(axis=1, dtype=np.float32).sum(axis=0, dtype=np.float64)
        centre = (centre / len(self)).astype(np.float32)
        total = 0.0
        for part in self.videos():
            first = part[:, :halves].mean(axis=1, dtype=np.float32) - centre
            last = part[:, -halves:].mean(axis=1, dtype=np.float32) - centre
            lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(last, axis=1)
            total += float(((first * last).sum(axis=1) / np.maximum(lengths, 1e-12)).sum())
        return total / len(self)

    def project(
        self, pca: Callable[[npt.NDArray[np.floating]], npt.NDArray[np.float32]]
    ) -> npt.NDArray[np.float32]:
        """Project all frames by ``pca``, (N, T, M), in memory."""
        return np.concatenate([pca(part) for part in self.videos()])

    def fit_in_memory(self, elements: int) -> bool:
        """Return whether ``elements`` float32 values a video fit the RAM limit."""
        return 4 * elements * len(self) <= self._room

    def to_disk(self, parts: Iterable[npt.NDArray[np.float32]], *, name: str) -> DiskArray:
        """Write parts (n, ...), one row a video, to a file of this run and open it.

        Raises:
            StorageError: If the file cannot be written.
        """
        from .disk_array import write_disk_array

        with distributed.rank_zero_first():  # processes of one machine share the file
            return write_disk_array(parts, len(self), folder=self._scratch, name=name)
