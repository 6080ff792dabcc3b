"""What ``auto`` must know of the training videos."""

from __future__ import annotations

from chainpipe.pipeline.backbones.classifiers import CLASSIFIERS

from ..config.presets import Survey
from .training_set import TrainingFrames


def survey_of(frames: TrainingFrames, *, bits: int = 32) -> Survey:
    """Measure what ``auto`` depends on.

    Args:
        frames: The training videos.
        bits: K, the length of the codes to train.
    """
    return Survey(
        videos=len(frames),
        halves_cosine=round(frames.halves_cosine(), 6),
        frames=frames.frames,
        classifier=(frames.meta.fingerprint.backbone, frames.dim) in CLASSIFIERS,
        bits=bits,
    )
