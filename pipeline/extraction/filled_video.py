"""What a store keeps of a video, from its decoded frames and their features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..inputs.manifest import FileIdentity
from ..records import (
    Blank,
    Candidates,
    Frames,
    Status,
    StreamedFrames,
    VideoError,
    VideoFeatures,
)
from ..store import invalid_reason
from .extraction_spec import ExtractionSpec
from .segments import shown_frames

Features = npt.NDArray[np.floating]


def filled_video(
    frames: Frames | StreamedFrames,
    features: Features,
    spec: ExtractionSpec,
    *,
    name: bytes,
    video_id: bytes,
    before: FileIdentity,
    note: str,
    blank: Blank,
    candidates: Features | None = None,
    candidate_frames: Candidates | None = None,
    views: Features | None = None,
) -> VideoFeatures | VideoError:
    """Return a video's features, or why its backbone gave none that a store takes.

    Args:
        frames: Decoded; their pixels are not read.
        features: Of the frames, or of each segment's frames, (T, D).
        spec: Of the store.
        name: Path in the store.
        video_id: SHA-256 of the file's bytes.
        before: Identity of the file before it was read.
        note: What the store is to say of it.
        blank: Whether it shows nothing.
        candidates: Features of further frames of each segment, (T, C, D).
        candidate_frames: Those frames.
        views: Features of augmented copies, (V, T, D).
    """
    shown = shown_frames(len(frames.index), spec.frames_per_feature)
    video = VideoFeatures(
        path=name,
        video_id=video_id,
        features=features,
        seconds=frames.seconds[shown],
        index=frames.index[shown],
        info=frames.info,
        status=frames.status,
        reader=frames.reader,
        size=before.size,
        mtime_ns=before.mtime_ns,
        note=note,
        blank=blank,
        candidates=candidates,
        views=views,
        candidate_seconds=None if candidate_frames is None else candidate_frames.seconds,
        candidate_index=None if candidate_frames is None else candidate_frames.index,
    )
    if reason := invalid_reason(video, spec.meta):
        return VideoError(Status.CRASHED, reason, command=spec.backbone.name)
    return video
