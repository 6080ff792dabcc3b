"""One file to one video's features: decode in a child once, embed with every backbone."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..backbones import Backbone
from ..decode import Decoder, FrameRequest
from ..inputs.manifest import FileIdentity, ensure_unchanged
from ..records import Frames, Status, StoreMeta, VideoError, VideoFeatures
from ..store import flaw_of

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every video of a run becomes the features of one store.

    Attributes:
        backbone: Shared by all threads.
        request: Which frames, as which pixels; its seed is the run's.
        meta: The store's settings.
        clock: Adds up what the backbone takes.
    """

    backbone: Backbone
    request: FrameRequest
    meta: StoreMeta
    clock: Clock = field(default_factory=lambda: Clock())

    @classmethod
    def of(
        cls, meta: StoreMeta, backbone: Backbone, *, fit: str, reader: str = "auto",
        hwaccel: str = "",
    ) -> Recipe:  # fmt: skip
        """Return the recipe for a store's settings."""
        request = FrameRequest(
            frames=meta.frames, by=meta.by, size=backbone.size, fit=fit, sampling=meta.sampling,
            per_segment=meta.per_segment, views=meta.views, views_mode=meta.views_mode,
            augmentation=meta.augmentation, seed=meta.seed, reader=reader, hwaccel=hwaccel,
        )  # fmt: skip
        return cls(backbone, request, meta)


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
    decoder: Decoder, path: Path, name: bytes, video_id: bytes, before: FileIdentity,
    recipes: Sequence[Recipe],
) -> list[VideoFeatures | VideoError]:  # fmt: skip
    """Decode one file once and embed it with every recipe's backbone.

    Args:
        decoder: Of the calling thread.
        path: The file.
        name: Its path in the store.
        video_id: SHA-256 of its bytes.
        before: Its identity before those were read.
        recipes: What to do; they differ in the backbone only.

    Returns:
        For each recipe the features, or why its backbone gave none.

    Raises:
        VideoError: If the file gives no frames; ``CHANGED`` if it is not the file of ``before``.
    """
    request = replace(recipes[0].request, seed=seed_of(video_id, recipes[0].request.seed))
    clips = decoder.read_sizes(path, request, [recipe.request.size for recipe in recipes])
    ensure_unchanged(path, before)
    if recipes[0].meta.strict and clips[0].status == Status.PARTIAL:
        raise VideoError(Status.PARTIAL, clips[0].note)
    pairs = zip(clips, recipes, strict=True)
    return [_features(frames, recipe, name, video_id, before) for frames, recipe in pairs]


def seed_of(video_id: bytes, seed: int) -> int:
    """Return the seed of one video's draws, whatever its name and its place in a run.

    >>> seed_of(b"content", 0) == seed_of(b"content", 0) != seed_of(b"content", 1)
    True
    """
    digest = hashlib.sha256(video_id + seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest[:7], "little")


def _features(
    frames: Frames, recipe: Recipe, name: bytes, video_id: bytes, before: FileIdentity
) -> VideoFeatures | VideoError:
    with np.errstate(over="ignore"):  # becomes infinity, which is found below
        clip, candidates, views = (
            None if part is None else part.astype(recipe.meta.dtype)
            for part in embed(frames, recipe)
        )
    assert clip is not None
    also = frames.candidates
    video = VideoFeatures(
        path=name, video_id=video_id, features=clip, seconds=frames.seconds, index=frames.index,
        info=frames.info, status=frames.status, reader=frames.reader, size=before.size,
        mtime_ns=before.mtime_ns, note=frames.note, candidates=candidates, views=views,
        candidate_seconds=None if also is None else also.seconds,
        candidate_index=None if also is None else also.index,
    )  # fmt: skip
    if flaw := flaw_of(video, recipe.meta):
        return VideoError(Status.CRASHED, flaw, command=recipe.backbone.name)
    return video


def embed(frames: Frames, recipe: Recipe) -> tuple[Features, Features | None, Features | None]:
    """Return the features of the clip (T, D), its candidates (T, M, D) and its views (V, T, D).

    A frame that occurs several times is embedded once; all go in one call, for a GPU's sake.
    """
    also, views = frames.candidates, frames.views
    pixels, index = frames.pixels, frames.index
    side, t, d = pixels.shape[1:], len(index), recipe.backbone.dim
    if also is not None:
        pixels = np.concatenate([pixels, also.pixels.reshape(-1, *side)])
        index = np.concatenate([index, also.index.ravel()])
    _, first, back = np.unique(index, return_index=True, return_inverse=True)
    distinct = [pixels[first]] if views is None else [pixels[first], views.reshape(-1, *side)]
    found = _timed(np.concatenate(distinct), recipe)
    shown = found[: len(first)][back]
    return (
        shown[:t],
        None if also is None else shown[t:].reshape(*also.index.shape, d),
        None if views is None else found[len(first) :].reshape(len(views), t, d),
    )


def _timed(pixels: Pixels, recipe: Recipe) -> Features:
    start = time.thread_time()
    features = recipe.backbone.embed(pixels)
    recipe.clock.add(time.thread_time() - start)
    return features
