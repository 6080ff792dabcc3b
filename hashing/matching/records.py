"""What the second check reads and answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class Relation(Enum):
    """What two videos are to each other; the value is the word in JSON."""

    COPY = "copy"
    PART_OF = "part-of"
    SAME_SCENES = "same-scenes"
    SIMILAR = "similar"
    NOTHING = "nothing"

    @property
    def text(self) -> str:
        """Return the words for people.

        >>> Relation.SAME_SCENES.text
        'same scenes, other moment'
        """
        return _TEXTS[self]


_TEXTS = {
    Relation.COPY: "copy",
    Relation.PART_OF: "part of",
    Relation.SAME_SCENES: "same scenes, other moment",
    Relation.SIMILAR: "similar",
    Relation.NOTHING: "nothing",
}


@dataclass(frozen=True, slots=True, eq=False)
class FrameSequence:
    """The stored frames of one video or film.

    Attributes:
        features: As the store has them, (T, D).
        seconds: When each frame is shown, (T,), ascending.
        duration: Of the video in seconds.
    """

    features: F32
    seconds: F64
    duration: float


@dataclass(frozen=True, slots=True)
class AlignedRun:
    """One stretch in which two videos show the same: ``b = offset + speed * a``, in seconds.

    Attributes:
        a_start: Where it starts in the first video.
        a_end: Where it ends there.
        b_start: Where it starts in the second video.
        b_end: Where it ends there.
        speed: Seconds of the second video a second of the first.
    """

    a_start: float
    a_end: float
    b_start: float
    b_end: float
    speed: float

    @property
    def offset(self) -> float:
        """Return the second of the second video at which the first one's second 0 would be.

        >>> AlignedRun(a_start=0.0, a_end=4.0, b_start=2.0, b_end=6.0, speed=1.0).offset
        2.0
        """
        return self.b_start - self.speed * self.a_start


@dataclass(frozen=True, slots=True)
class Alignment:
    """How two videos lie on each other in time.

    Attributes:
        runs: The aligned stretches, the longest first: one, or two where footage is cut in.
        share_a: Part of the first video's duration that is aligned, 0 to 1.
        share_b: The same of the second.
        dyn: Correlation of the aligned frames, each video's mean over them removed: -1 to 1.
        step: The same of frame-to-frame differences.
        cosine: Mean cosine of the aligned frames, in the space of the check.
        score: Larger for surer copies, -1 to 1; see ``movement.score_of``.
        even: Correlation of the changes over two frames, large ones limited: cuts do not decide.
        inner: Correlation of the frames, the mean of each shot removed, large ones limited.
        cuts: Moments at which both change much.
        moments: Frames of the video of longer steps that are aligned.
    """

    runs: tuple[AlignedRun, ...]
    share_a: float
    share_b: float
    dyn: float
    step: float
    cosine: float
    score: float
    even: float = 0.0
    inner: float = 0.0
    cuts: int = 0
    moments: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two videos are to each other, and why.

    Attributes:
        relation: One of five.
        reason: One line for people: what decided.
        alignment: ``None`` where no line was found.
        mirrored: Whether one is the other's mirror image; ``None`` where nobody looked.
        contained: For ``PART_OF``: ``a`` is part of ``b``, or ``b`` of ``a``; else empty.
    """

    relation: Relation
    reason: str
    alignment: Alignment | None = None
    mirrored: bool | None = None
    contained: str = ""
