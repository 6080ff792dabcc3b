"""One file to one video's features: identify, decode in a child, embed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.backbones import Backbone
from pipeline.decode import Decoder, FrameRequest
from pipeline.manifest import FileIdentity, ensure_unchanged
from pipeline.records import Frames, Status, StoreMeta, VideoError, VideoFeatures


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every video of a run becomes features.

    Attributes:
        backbone: Shared by all threads.
        request: Which frames, as which pixels.
        dtype: ``float16`` or ``float32``.
        strict: Whether a ``partial`` video counts as failed.
        clock: Adds up what the backbone takes.
    """

    backbone: Backbone
    request: FrameRequest
    dtype: str
    strict: bool
    clock: Clock = field(default_factory=lambda: Clock())

    @classmethod
    def of(cls, meta: StoreMeta, backbone: Backbone, *, fit: str) -> Recipe:
        """Return the recipe for a store's settings."""
        request = FrameRequest(meta.frames, meta.by, backbone.size, fit)
        return cls(backbone, request, meta.dtype, meta.strict)


class Clock:
    """CPU seconds of a piece of work, summed over the threads that do it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Add what one thread took."""
        with self._lock:
            self.seconds += seconds


def read_features(
    decoder: Decoder, path: Path, name: bytes, video_id: bytes, before: FileIdentity, recipe: Recipe
) -> VideoFeatures:
    """Decode and embed one file.

    Args:
        decoder: Of the calling thread.
        path: The file.
        name: Its path in the store.
        video_id: SHA-256 of its bytes.
        before: Its identity before those were read.
        recipe: What to do.

    Raises:
        VideoError: If it gives no features; ``CHANGED`` if it is not the file of ``before``.
    """
    frames = decoder.read(path, recipe.request)
    ensure_unchanged(path, before)
    if recipe.strict and frames.status == Status.PARTIAL:
        raise VideoError(Status.PARTIAL, frames.note)
    return VideoFeatures(
        path=name, video_id=video_id, features=embed(frames, recipe).astype(recipe.dtype),
        seconds=frames.seconds, index=frames.index, info=frames.info, status=frames.status,
        reader=frames.reader, size=before.size, mtime_ns=before.mtime_ns,
    )  # fmt: skip


def embed(frames: Frames, recipe: Recipe) -> npt.NDArray[np.float32]:
    """Return the features of all frames, (T, D); a frame that repeats is embedded once."""
    _, first, back = np.unique(frames.index, return_index=True, return_inverse=True)
    start = time.thread_time()
    features = recipe.backbone.embed(frames.pixels[first])
    recipe.clock.add(time.thread_time() - start)
    return features[back]
