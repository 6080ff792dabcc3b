"""One file to frames per time: pictures are embedded as they come, and never all in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..decode import Decoder, FrameRequest
from ..inputs.file_end import cut_off
from ..inputs.manifest import FileIdentity
from ..records import Status, VideoError, VideoFeatures
from .blank_frames import GreyLevels
from .extraction_spec import ExtractionSpec
from .filled_video import filled_video

BATCH = 32  # pictures that are embedded at once: 5 MiB of them


class StreamEmbedder:
    """Embeds the pictures of a stream a batch at a time.

    Args:
        spec: Of the store.
    """

    def __init__(self, spec: ExtractionSpec) -> None:
        self.levels = GreyLevels(spec.request.fit)
        self._spec, self._shape = spec, (0, 0)
        self._waiting: list[npt.NDArray[np.uint8]] = []
        self._done: list[npt.NDArray[np.floating]] = []

    def add(self, picture: npt.NDArray[np.uint8], shape: tuple[int, int]) -> None:
        """Take the next picture, of a video of this width and height."""
        self._shape = shape
        self._waiting.append(picture)
        if len(self._waiting) == BATCH:
            self._embed()

    def features(self) -> npt.NDArray[np.floating]:
        """Return the features of all pictures, (n, D), in the store's dtype; call it last."""
        if self._waiting:
            self._embed()
        return np.concatenate(self._done)

    def _embed(self) -> None:
        pixels = np.stack(self._waiting)
        self._waiting.clear()
        self.levels.add(pixels, self._shape)
        found = self._spec.embed(pixels)
        with np.errstate(over="ignore"):  # becomes infinity, which is found later
            self._done.append(found.astype(self._spec.meta.dtype))


def read_sequences(
    decoder: Decoder,
    path: Path,
    name: bytes,
    video_id: bytes,
    before: FileIdentity,
    request: FrameRequest,
    specs: Sequence[ExtractionSpec],
) -> list[VideoFeatures | VideoError]:
    """Decode one file once and embed its frames with every recipe's backbone.

    Args:
        decoder: Of the calling thread.
        path: The file.
        name: Its path in the store.
        video_id: SHA-256 of its bytes.
        before: Its identity before those were read.
        request: Which frames.
        specs: What to do; they differ in the backbone only.

    Returns:
        For each recipe the features, or why its backbone gave none.

    Raises:
        VideoError: If the file gives no frames.
    """
    embedders = [StreamEmbedder(spec) for spec in specs]

    def take(pictures: Sequence[npt.NDArray[np.uint8]], shape: tuple[int, int]) -> None:
        for embedder, picture in zip(embedders, pictures, strict=True):
            embedder.add(picture, shape)

    frames = decoder.stream(path, request, [spec.request.size for spec in specs], take)
    note = frames.note
    if frames.status is Status.PARTIAL and (cut := cut_off(path)):
        note = f"{note}; {cut}"
    if specs[0].meta.strict and frames.status is Status.PARTIAL:
        raise VideoError(Status.PARTIAL, note)
    found: list[VideoFeatures | VideoError] = []
    for spec, embedder in zip(specs, embedders, strict=True):
        features = embedder.features()[frames.places]
        blank = embedder.levels.blank(frames.info.frames)
        video = filled_video(
            frames, features, spec, name=name, video_id=video_id, before=before, note=note,
            blank=blank,
        )  # fmt: skip
        found.append(video)
    return found
