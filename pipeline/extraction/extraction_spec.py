"""Settings that turn each video of a run into the features of one store."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..backbones import Backbone, frames_per_feature, resize_of
from ..decode import FrameRequest
from ..options import DecodeOptions
from ..records import StoreMeta


@dataclass(frozen=True, slots=True)
class ExtractionSpec:
    """Settings that turn each video of a run into the features of one store.

    Attributes:
        backbone: Shared by all threads.
        request: Which frames, as which pixels; its seed is the run's.
        meta: The store's settings.
        clock: Adds up what the backbone takes.
    """

    backbone: Backbone
    request: FrameRequest
    meta: StoreMeta
    clock: CpuClock = field(default_factory=lambda: CpuClock())

    @classmethod
    def of(
        cls,
        meta: StoreMeta,
        backbone: Backbone,
        *,
        fit: str,
        reader: str = DecodeOptions.reader,
        hwaccel: str = DecodeOptions.hwaccel,
    ) -> ExtractionSpec:
        """Return the recipe for a store's settings."""
        request = FrameRequest(
            frames=meta.frames * frames_per_feature(backbone),
            by=meta.by,
            size=backbone.size,
            fit=fit,
            sampling=meta.sampling,
            per_segment=meta.per_segment,
            views=meta.views,
            views_mode=meta.views_mode,
            augmentation=meta.augmentation,
            seed=meta.seed,
            reader=reader,
            hwaccel=hwaccel,
            every=meta.every,
            resize=resize_of(backbone),
        )
        return cls(backbone, request, meta)

    @property
    def frames_per_feature(self) -> int:
        """F, how many frames make one feature: 1 for an image network."""
        return frames_per_feature(self.backbone)

    def embed(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Turn frames (n F, size, size, 3) into features (n, D), on the clock."""
        start = time.thread_time()
        features = self.backbone.embed(pixels)
        self.clock.add(time.thread_time() - start)
        return features


class CpuClock:
    """CPU seconds of a piece of work, summed over the threads that do it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Add what one thread took."""
        with self._lock:
            self.seconds += seconds
