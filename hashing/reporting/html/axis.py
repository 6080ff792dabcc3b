"""An axis of a chart: from values to positions, and its round ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale.

    Attributes:
        low: Value at ``start``.
        high: Value at ``end``, above ``low``.
        start: Position of ``low``.
        end: Position of ``high``.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value, to a tenth.

        >>> Axis(0, 10, 100, 0).at(2.5)
        75.0
        """
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Return positions and texts of round values.

        >>> Axis(0, 1, 0, 100).ticks(4)
        [(0.0, '0'), (50.0, '0.5'), (100.0, '1')]
        """
        step = _round_step(self.high - self.low, most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [(self.at(n * step), f"{n * step:.6g}") for n in range(first, last + 1)]


def axis_of(
    values: Sequence[float], start: float, end: float, *, zero: bool = False, one: bool = False
) -> Axis:
    """Return an axis that holds some values.

    Args:
        values: Finite numbers; without any, the axis is from 0 to 1.
        start: Position of its low end.
        end: Position of its high end.
        zero: Whether it begins at 0.
        one: Whether it reaches 1.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    low, high = (min(0.0, low) if zero else low), (max(1.0, high) if one else high)
    if high - low < 1e-12:
        room = abs(high) / 10 or 1.0
        low, high = (low if zero else low - room), high + room
    return Axis(low, high, start, end)


def _round_step(span: float, most: int) -> float:
    """Return the smallest round step that needs at most ``most`` ticks."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(n * power for n in (*STEPS, 20) if span / (n * power) <= most - 1)
