"""Parts of the videos of a store in the space of the comparison, read when they are needed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore

from ..matching.records import F32, F64, FrameSequence
from ..matching.space import FrameSpace

_HELD = 256  # videos whose times are kept
_BLOCK = 4096  # frames that are projected at a time


class FilmFrames:
    """Reads parts of a store's videos.

    Args:
        store: Where they are; open as long as this is used.
        space: Into which they are projected.
    """

    def __init__(self, store: FeatureStore, space: FrameSpace) -> None:
        self.store, self.space = store, space
        self.seconds = lru_cache(maxsize=_HELD)(self._seconds)

    def __len__(self) -> int:
        return len(self.store.videos)

    def duration(self, row: int) -> float:
        """Return the length of a video in seconds."""
        return float(self.store.videos.duration[row])

    def whole(self, row: int) -> FrameSequence:
        """Return all frames of a video.

        Raises:
            DamageError: If its bytes are altered.
            UsageError: If its features are not finite, or the times of its frames are not known.
        """
        seconds = self.seconds(row)
        blocks = [
            self._projected(row, slice(start, start + _BLOCK), 0.0, self.duration(row)).features
            for start in range(0, len(seconds), _BLOCK)
        ]
        return FrameSequence(np.concatenate(blocks), seconds, self.duration(row))

    def part(self, row: int, start: float, end: float) -> FrameSequence | None:
        """Return the frames of a video from one second to another, which count from ``start``.

        Returns:
            ``None`` where there are fewer than three.

        Raises:
            DamageError: If its bytes are altered.
            UsageError: As :meth:`whole`.
        """
        seconds = self.seconds(row)
        first, after = np.searchsorted(seconds, (start, end))
        if after - first < 3:
            return None
        return self._projected(row, slice(int(first), int(after)), start, end - start)

    def _projected(self, row: int, part: slice, start: float, duration: float) -> FrameSequence:
        features: F32 = self.store.sequence_features(row, part).astype(np.float32)
        if not np.isfinite(features).all():
            name = printable(self.store.videos.paths[row])
            raise UsageError(
                f"NaN or infinite features in `{name}`", hint="extract this video again"
            )
        return FrameSequence(
            self.space.project(features), self.seconds(row)[part] - start, duration
        )

    def _seconds(self, row: int) -> F64:
        seconds = self.store.sequence_seconds(row)
        if not np.isfinite(seconds).all():
            raise UsageError(
                f"`{self.store.path}` does not say when its frames are shown",
                hint="`chainpipe extract VIDEOS --every 0.5` makes a store that does",
            )
        return seconds
