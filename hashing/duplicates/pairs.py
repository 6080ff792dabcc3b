"""Pairs of videos with their answers, and groups of copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ..matching.records import AlignedRun, Relation, Verdict

EXACT = Verdict(Relation.COPY, "the same bytes")
ACCEPTED = "accepted as copies by hand"
MANY = 50  # files of one content: beyond that each is paired with the first only
_ORDER = (Relation.COPY, Relation.PART_OF, Relation.SAME_SCENES, Relation.SIMILAR)


@dataclass(frozen=True, slots=True)
class VideoPair:
    """Two videos and what they are to each other.

    Attributes:
        a: Row of the first.
        b: Row of the second; in two stores of the second store, else larger than ``a``.
        verdict: The answer.
        exact: Whether both files have the same bytes.
        distance: Hamming distance of their codes, where there are codes.
    """

    a: int
    b: int
    verdict: Verdict
    exact: bool = False
    distance: int | None = None

    @property
    def is_copy(self) -> bool:
        """Whether both show the same as a whole."""
        return self.verdict.relation is Relation.COPY

    @property
    def score(self) -> float:
        """How sure it is: larger is surer; only answers of one library compare."""
        if self.exact:
            return float("inf")
        return self.verdict.alignment.score if self.verdict.alignment else 0.0

    def other(self, row: int) -> int:
        """Return the row beside another one of the pair."""
        return self.b if row == self.a else self.a


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """Videos each of which is a copy of each other one.

    Attributes:
        keep: Row of the one to keep.
        reason: Why this one.
        others: The other rows, surest copies first.
    """

    keep: int
    reason: str
    others: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """All its rows, that of the one to keep first."""
        return (self.keep, *self.others)


@dataclass(frozen=True, slots=True)
class ApartVideo:
    """A video without information, which is compared with no other.

    Attributes:
        row: Its row.
        reason: ``black``, ``white``, ``colour``, ``still``, ``other`` or a few words.
        same_bytes: Rows of files with the same bytes.
    """

    row: int
    reason: str
    same_bytes: tuple[int, ...] = ()


def in_order(pairs: Iterable[VideoPair]) -> list[VideoPair]:
    """Order pairs: exact copies, copies, parts, same scenes, similar; the surest first.

    Example:
        >>> near = VideoPair(0, 1, Verdict(Relation.SIMILAR, ""))
        >>> same = VideoPair(2, 3, EXACT, exact=True)
        >>> [pair.a for pair in in_order([near, same])]
        [2, 0]
    """
    ranks = {relation: rank for rank, relation in enumerate(_ORDER)}
    return sorted(
        pairs,
        key=lambda p: (not p.exact, ranks[p.verdict.relation], -p.score, p.a, p.b),
    )


def pairs_of_files(
    one: Sequence[int], other: Sequence[int], first_store: int | None = None
) -> list[tuple[int, int, bool]]:
    """Return the pairs of the files of two contents, or of one with itself.

    Of a content with more than :data:`MANY` files only the first one is paired with the others.

    Args:
        one: Rows of the first content, ascending.
        other: Rows of the second, or the same.
        first_store: Rows of the first of two stores, if only pairs across them are wanted: the row
            in the first store is then the first of the pair.

    Returns:
        The two rows, and whether the first of them is one of ``other``.

    Example:
        >>> pairs_of_files([1, 4, 6], [1, 4, 6])
        [(1, 4, False), (1, 6, False), (4, 6, False)]
        >>> pairs_of_files([1, 4, 6], [2, 7], first_store=5)
        [(1, 7, False), (4, 7, False), (2, 6, True)]
    """
    same = one == other
    if first_store is None:
        left, right = _few(one), other if same else _few(other)
        return [(a, b, False) for a, b in product(left, right) if not same or a < b]
    a, c = ([row for row in rows if row < first_store] for rows in (one, other))
    b, d = ([row for row in rows if row >= first_store] for rows in (one, other))
    found = [(low, high, False) for low, high in product(a, _few(d))]
    return found if same else found + [(low, high, True) for low, high in product(c, _few(b))]


def flipped(verdict: Verdict) -> Verdict:
    """Return the verdict on the same two videos in the other order."""
    aligned = verdict.alignment
    if aligned is not None:
        runs = tuple(
            AlignedRun(run.b_start, run.b_end, run.a_start, run.a_end, 1 / run.speed)
            for run in aligned.runs
        )
        aligned = replace(aligned, runs=runs, share_a=aligned.share_b, share_b=aligned.share_a)
    contained = {"a": "b", "b": "a"}.get(verdict.contained, "")
    return replace(verdict, alignment=aligned, contained=contained)


def _few(rows: Sequence[int]) -> Sequence[int]:
    return rows[:1] if len(rows) > MANY else rows
