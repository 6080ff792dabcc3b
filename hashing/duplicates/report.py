"""What a search for duplicates found."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..matching.records import Relation
from .pairs import EXACT, ApartVideo, CopyGroup, VideoPair
from .shell_script import FileState, PlannedCopy
from .videos import ComparedVideos


@dataclass(frozen=True, slots=True, repr=False)
class DuplicateReport:
    """Everything that was found in one store, or in a store and another one.

    Attributes:
        videos: The videos that were compared.
        pairs: Pairs of files with their answers: exact copies first, then the surest.
        groups: Groups of copies, with the one to keep.
        apart: Videos without information.
        gone: Rows whose file is no longer there; they are in no pair and no group.
        compared: How many pairs reached the second check.
        ignored: How many pairs were left out, since somebody decided so.
    """

    videos: ComparedVideos
    pairs: Sequence[VideoPair]
    groups: Sequence[CopyGroup]
    apart: Sequence[ApartVideo]
    gone: frozenset[int] = frozenset()
    compared: int = 0
    ignored: int = 0

    def __repr__(self) -> str:
        return f"DuplicateReport({len(self.pairs)} pairs, {len(self.groups)} groups)"

    def counts(self) -> Counter[Relation]:
        """Return how many pairs have each answer."""
        return Counter(pair.verdict.relation for pair in self.pairs)

    def group_numbers(self) -> dict[int, int]:
        """Return the number of each grouped row's group, from 1."""
        return {row: n for n, group in enumerate(self.groups, start=1) for row in group.rows}

    def ungrouped_copies(self) -> list[VideoPair]:
        """Return the copies that are not of one group."""
        number = self.group_numbers()
        return [
            pair
            for pair in self.pairs
            if pair.is_copy and (pair.a not in number or number[pair.a] != number.get(pair.b))
        ]

    def top_score(self) -> float:
        """Return the score of exact copies: that of the surest other pair, at least 1."""
        scores = [
            pair.verdict.alignment.score
            for pair in self.pairs
            if pair.verdict.alignment is not None
        ]
        return max([1.0, *scores])

    def planned(self) -> list[PlannedCopy]:
        """Return the copies that may go, in the order of the groups.

        The file to keep under a second path (a link, or a store of the same folder) is none.
        """
        reasons = {frozenset((pair.a, pair.b)): pair.verdict.reason for pair in self.pairs}
        found = []
        for number, group in enumerate(self.groups, start=1):
            keep = self._state(group.keep)
            for row in group.others:
                copy = self._state(row)
                if _same_file(keep.file, copy.file):
                    continue
                same = keep.sha256 == copy.sha256
                known = reasons.get(frozenset((group.keep, row)), "")
                why = EXACT.reason if same else known or "a copy"
                found.append(PlannedCopy(keep, copy, f"group {number}: {why}"))
        return found

    def _state(self, row: int) -> FileState:
        video = self.videos.video(row)
        return FileState(video.file, video.size, self.videos.hex_id(row))


def _same_file(one: bytes, other: bytes) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return one == other
