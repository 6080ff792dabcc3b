"""The sentence at the end of the table: train, or take another representation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .cases import OWN, TITLES
from .summary import RivalLine


@dataclass(frozen=True, slots=True)
class SizeVerdict:
    """The best trained and the best fitted row at one size.

    Attributes:
        size: Bytes a video.
        trained: The best row that is trained by gradients.
        fitted: The best row that is fitted in closed form or by k-means.
        lead: Score of ``trained`` minus that of ``fitted``.
        spread: Sum of half their 95 % intervals; NaN where a trained row has one seed.
    """

    size: int
    trained: str
    fitted: str
    lead: float
    spread: float

    @property
    def train(self) -> bool:
        """Whether training is worth it; with one seed, whether it leads at all."""
        return self.lead > (0.0 if math.isnan(self.spread) else self.spread)


def size_verdicts(lines: Sequence[RivalLine], trained: frozenset[str]) -> list[SizeVerdict]:
    """Compare the best trained row with the best other row at each size in bytes.

    Args:
        lines: Lines of one case; those with a size of their own are skipped.
        trained: Labels of the rows that are trained by gradients.
    """
    found = []
    for size in sorted({line.size for line in lines if line.size}):
        here = [line for line in lines if line.size == size]
        ours = [line for line in here if line.row in trained]
        others = [line for line in here if line.row not in trained]
        if ours and others:
            best, other = (max(group, key=lambda x: x.main.mean) for group in (ours, others))
            spread = best.main.half + (0.0 if math.isnan(other.main.half) else other.main.half)
            lead = best.main.mean - other.main.mean
            found.append(SizeVerdict(size, best.row, other.row, lead, spread))
    return found


def verdict(lines: Sequence[RivalLine], trained: frozenset[str]) -> str:
    """Return one sentence: at which sizes to train and at which to take what instead.

    Args:
        lines: All lines of the table.
        trained: Labels of the rows that are trained by gradients.
    """
    groups = dict.fromkeys((line.store, line.case) for line in lines)
    clauses = []
    for store, case in groups:
        mine = [line for line in lines if (line.store, line.case) == (store, case)]
        said = _clause(size_verdicts(mine, trained))
        if said:
            name = store if case == OWN else f"{store}, {TITLES[case]}"
            clauses.append(f"{name}: {said}")
    if not clauses:
        return "No size has both a trained row and another one, so nothing is compared."
    return "; ".join(clauses) + "."


def _clause(found: Sequence[SizeVerdict]) -> str:
    train = [each for each in found if each.train]
    take = [each for each in found if not each.train]
    parts = []
    if train:
        parts.append("train " + ", ".join(_trained(each) for each in train))
    if take:
        parts.append("take " + ", ".join(_fitted(each) for each in take))
    return " and ".join(parts)


def _trained(each: SizeVerdict) -> str:
    of = f"{each.lead:+.3f} to `{each.fitted}`, {_spread(each)}"
    return f"`{each.trained}` at {each.size} bytes ({of})"


def _fitted(each: SizeVerdict) -> str:
    of = f"`{each.trained}` {each.lead:+.3f}, {_spread(each)}"
    return f"`{each.fitted}` at {each.size} bytes ({of})"


def _spread(each: SizeVerdict) -> str:
    return "one seed" if math.isnan(each.spread) else f"spread {each.spread:.3f}"
