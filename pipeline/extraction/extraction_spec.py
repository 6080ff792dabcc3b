"""Settings that turn each video of a run into the features of one store."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..backbones import Backbone
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
            frames=meta.frames,
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
        )
        return cls(backbone, request, meta)


class CpuClock:
    """CPU seconds of a piece of work, summed over the threads that do it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Add what one thread took."""
        with self._lock:
            self.seconds += seconds
