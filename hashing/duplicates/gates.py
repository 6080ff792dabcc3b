"""Gates: which pairs are worth telling, by length and by what two videos have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

from ..matching.records import Alignment


@dataclass(frozen=True, slots=True)
class LengthDifference:
    """How much two lengths may differ.

    Attributes:
        value: Seconds, or percent of the longer.
        percent: Whether it is percent.
    """

    value: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> LengthDifference:
        """Read ``10%``, ``5s`` or ``5``, which are seconds.

        Raises:
            UsageError: If it is none of these, or negative.

        Example:
            >>> LengthDifference.parse("10%"), LengthDifference.parse("2.5s").value
            (LengthDifference(value=10.0, percent=True), 2.5)
        """
        words = text.strip()
        percent = words.endswith("%")
        number = words.removesuffix("%").removesuffix("s").strip()
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            hint = "percent of the longer video, such as `10%`, or seconds, such as `5s`"
            raise UsageError(f"`{text}` is no difference of lengths", hint=hint)
        return cls(value, percent)

    def allows(self, a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which pairs of lengths in seconds differ by no more; two arrays of one shape.

        >>> LengthDifference(10.0, percent=True).allows([10, 10], [9, 8])
        array([ True, False])
        """
        one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
        limit = np.maximum(one, other) * self.value / 100 if self.percent else self.value
        return np.asarray(np.abs(one - other) <= limit + 1e-9)


@dataclass(frozen=True, slots=True)
class Gates:
    """Which pairs are told.

    Attributes:
        min_overlap: Percent of the shorter video that both must have in common.
        min_seconds: Seconds that both must have in common.
        max_length_difference: How much their lengths may differ; ``None`` for any.
    """

    min_overlap: float = 0.0
    min_seconds: float = 0.0
    max_length_difference: LengthDifference | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.min_overlap <= 100:
            message = f"an overlap of `{self.min_overlap:g}` percent is impossible"
            raise UsageError(message, hint="percent of the shorter video, 0 to 100")
        if not (math.isfinite(self.min_seconds) and self.min_seconds >= 0):
            message = f"`{self.min_seconds:g}` seconds in common are impossible"
            raise UsageError(message, hint="seconds, 0 or more")

    def lengths_pass(self, a: npt.ArrayLike, b: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return which pairs of lengths in seconds may be told, before anything is compared.

        >>> Gates(min_seconds=5.0).lengths_pass([4, 6], [9, 9])
        array([False,  True])
        """
        one, other = np.asarray(a, np.float64), np.asarray(b, np.float64)
        passed = np.minimum(one, other) >= self.min_seconds - 1e-9
        if self.max_length_difference is not None:
            passed &= self.max_length_difference.allows(one, other)
        return np.asarray(passed)

    def alignment_passes(self, alignment: Alignment | None, a: float, b: float) -> bool:
        """Return whether two videos of some lengths have enough in common.

        Args:
            alignment: Of a pair that was compared; ``None`` has nothing in common.
            a: Seconds of the first video.
            b: Seconds of the second one.
        """
        if alignment is None:
            return self.min_overlap == 0 and self.min_seconds == 0
        shorter = alignment.share_a if a <= b else alignment.share_b
        common = max(alignment.share_a * a, alignment.share_b * b)
        return 100 * shorter >= self.min_overlap - 1e-6 and common >= self.min_seconds - 1e-6
