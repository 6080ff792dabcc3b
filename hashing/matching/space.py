"""The space in which frames are compared: half-whitened principal components of the library's.

Whitening makes rare directions, in which videos differ, count as much as common ones; half of it
(eigenvalues to the power -1/4) keeps the noise of the last ones down.
Jegou and Chum, Negative evidences and co-occurrences in image retrieval, ECCV 2012:
https://doi.org/10.1007/978-3-642-33709-3_55
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store import FeatureStore

from ..models.pca import mean_covariance, principal_axes
from .records import F32

DIRECTIONS = 256  # M at most
FEWEST_DIRECTIONS = 48
FRAMES_EACH = 8  # of the sample a direction: whitening what few frames tell amplifies their noise
POWER = -0.25  # of the eigenvalues
FRAMES = 6_000  # that a library is sampled by
FLOOR = 1e-3  # of the mean eigenvalue, added to each: directions of few videos stay small
_BLOCK = 256  # videos that are read at a time


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FrameSpace:
    """A linear map of frame features, (D,) to (M,).

    Attributes:
        mean: Of the library's frames, (D,).
        directions: Scaled principal axes, (D, M).
        variance: Of the library's frames after the map, before their length is made 1.
    """

    mean: F32
    directions: F32
    variance: float

    @classmethod
    def fit(
        cls,
        videos: Iterable[npt.NDArray[np.floating]],
        *,
        seed: int = 0,
        directions: int = DIRECTIONS,
        frames: int = FRAMES,
    ) -> FrameSpace:
        """Fit the space on a seeded sample of frames.

        Args:
            videos: Features (T, D) or (n, T, D) each; T may differ.
            seed: Of the sample.
            directions: M at most; fewer where there are few frames, or their rank is lower.
            frames: At most so many are looked at, spread over all videos.

        Raises:
            ValueError: If there are no frames.
        """
        sample = _sampled(videos, frames, np.random.default_rng(seed))
        if not len(sample):
            raise ValueError("a space of no frames")
        found = mean_covariance([sample])
        told = max(FEWEST_DIRECTIONS, len(sample) // FRAMES_EACH)
        values, axes = principal_axes(found.covariance, min(directions, told))
        if not len(values):  # all frames are equal: there is nothing to compare
            values, axes = np.ones(1), np.eye(len(found.mean), 1)
        floor = FLOOR * values.mean()
        scales = (values + floor) ** POWER
        variance = float((values * scales**2).sum())
        return cls(found.mean.astype(np.float32), (axes * scales).astype(np.float32), variance)

    @classmethod
    def of_store(cls, store: FeatureStore, *, seed: int = 0, frames: int = FRAMES) -> FrameSpace:
        """Fit the space on rows of a store, of which it reads only a sample.

        Raises:
            DamageError: If a row's bytes are altered.
        """
        count, length, _ = store.shape
        rng = np.random.default_rng(seed)
        # Half of a video's frames at most, so that the sample knows many videos.
        wanted = min(count, max(1, -(-2 * frames // max(length, 1))))
        rows = np.sort(rng.choice(count, wanted, replace=False))
        blocks = (store.features(rows[at : at + _BLOCK]) for at in range(0, wanted, _BLOCK))
        return cls.fit(blocks, seed=seed, frames=frames)

    def __repr__(self) -> str:
        return f"FrameSpace({len(self.mean)} -> {self.size})"

    @property
    def size(self) -> int:
        """M."""
        return int(self.directions.shape[1])

    def project(self, features: npt.NDArray[np.floating]) -> F32:
        """Map features (..., D) to unit vectors (..., M); a frame at the mean becomes 0.

        Example:
            >>> frames = np.array([[3.0, 0.0], [1.0, 0.0]])
            >>> FrameSpace.fit([frames]).project(frames).tolist()
            [[1.0], [-1.0]]
        """
        mapped = (features.astype(np.float32) - self.mean) @ self.directions
        return unit(mapped)


def unit(vectors: npt.NDArray[np.floating]) -> F32:
    """Return vectors (..., M) of length 1; those of length 0 stay.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    sizes = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(sizes > 1e-12, sizes, 1), np.float32)


def _sampled(
    videos: Iterable[npt.NDArray[np.floating]], most: int, rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    """Draw at most ``most`` frames, each with the same chance, of videos that come one by one."""
    frames: npt.NDArray[np.floating] = np.empty((0, 0), np.float32)
    keys = np.empty(0)  # the frames with the smallest of these random numbers are kept
    waiting: list[npt.NDArray[np.floating]] = []
    for block in videos:
        waiting.append(block.reshape(-1, block.shape[-1]))
        if sum(map(len, waiting)) > 2 * most:
            frames, keys = _kept(frames, keys, waiting, most, rng)
            waiting = []
    return _kept(frames, keys, waiting, most, rng)[0]


def _kept(
    frames: npt.NDArray[np.floating],
    keys: npt.NDArray[np.float64],
    more: list[npt.NDArray[np.floating]],
    most: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.float64]]:
    every = [part for part in (frames, *more) if len(part)]
    if not every:
        return frames, keys
    joined = np.concatenate(every)
    drawn = np.concatenate([keys, rng.random(len(joined) - len(keys))])
    chosen = np.sort(np.argsort(drawn, kind="stable")[:most])
    return joined[chosen], drawn[chosen]
