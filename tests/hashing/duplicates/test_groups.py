"""Groups: all members are copies of each other, compared with a plain second implementation."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from chainpipe.hashing.duplicates.groups import copies_elsewhere, group_copies
from chainpipe.hashing.duplicates.keep import parse_rules
from chainpipe.hashing.duplicates.pairs import (
    EXACT,
    MANY,
    VideoPair,
    flipped,
    in_order,
    pairs_of_files,
)
from chainpipe.hashing.duplicates.videos import VideoFile
from chainpipe.hashing.matching.records import AlignedRun, Alignment, Relation, Verdict
from chainpipe.pipeline.records import Status

RULES = parse_rules("resolution")


def pair(a: int, b: int, score: float = 1.0, relation: Relation = Relation.COPY) -> VideoPair:
    run = AlignedRun(0.0, 1.0, 2.0, 4.0, 2.0)
    found = Alignment((run,), 1.0, 0.5, dyn=score, step=score, cosine=1.0, score=score)
    return VideoPair(a, b, Verdict(relation, "why", found, contained="a"))


def file_of(row: int) -> VideoFile:
    """Return a file whose picture is smaller, the larger its row."""
    return VideoFile(b"%d" % row, b"", 1, 0, 1.0, 1.0, 1000 - 20 * row, 1, Status.OK)


def grouped(pairs: list[VideoPair], rows: int) -> list[tuple[int, ...]]:
    contents = {row: [row] for row in range(rows)}
    return [group.rows for group in group_copies(pairs, contents, file_of, RULES)]


def test_a_chain_of_copies_is_no_group() -> None:
    assert grouped([pair(0, 1), pair(1, 2)], 3) == [(0, 1)]
    assert grouped([pair(0, 1), pair(1, 2), pair(0, 2)], 3) == [(0, 1, 2)]


def test_the_best_video_takes_its_surest_copy() -> None:
    assert grouped([pair(0, 1, 0.5), pair(0, 2, 0.9)], 3) == [(0, 2)]


def test_the_rest_of_a_chain_makes_its_own_group() -> None:
    assert grouped([pair(0, 1), pair(1, 2), pair(2, 3)], 4) == [(0, 1), (2, 3)]


def test_parts_and_same_scenes_are_in_no_group() -> None:
    others = [pair(0, 1, relation=Relation.PART_OF), pair(1, 2, relation=Relation.SAME_SCENES)]
    assert grouped(others, 3) == []


def test_files_of_equal_bytes_stay_together() -> None:
    contents = {0: [0], 1: [1, 5, 6], 2: [2, 7]}
    found = group_copies([pair(0, 1)], contents, file_of, RULES)
    assert [group.rows for group in found] == [(0, 1, 5, 6), (2, 7)]


@pytest.mark.parametrize("seed", range(20))
def test_every_group_is_of_mutual_copies_and_no_two_can_be_joined(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = 12
    edges = {e for e in combinations(range(rows), 2) if rng.random() < 0.4}
    groups = grouped([pair(a, b, float(rng.random())) for a, b in edges], rows)
    members = [row for group in groups for row in group]
    assert len(members) == len(set(members))
    for group in groups:
        assert group[0] == min(group), "the largest picture is kept"
        assert all(tuple(sorted(e)) in edges for e in combinations(group, 2))
    alone = set(range(rows)) - set(members)
    assert not [e for e in combinations(sorted(alone), 2) if e in edges]
    for group in groups:
        for row in alone:
            assert not all(tuple(sorted((row, one))) in edges for one in group)


def test_a_video_goes_to_its_surest_copy_in_the_other_store() -> None:
    pairs = [pair(0, 5, 0.4), pair(0, 6, 0.8), pair(1, 6, 0.9)]
    found = copies_elsewhere(pairs, 5, file_of, RULES)
    assert [(group.keep, group.others) for group in found] == [(6, (0, 1))]


def test_a_verdict_turned_twice_is_itself() -> None:
    verdict = pair(0, 1).verdict
    turned = flipped(verdict)
    assert turned.alignment is not None
    run = turned.alignment.runs[0]
    assert (run.a_start, run.a_end, run.b_start, run.speed) == (2.0, 4.0, 0.0, 0.5)
    assert (turned.alignment.share_a, turned.alignment.share_b) == (0.5, 1.0)
    assert turned.contained == "b"
    assert flipped(turned) == verdict
    assert flipped(EXACT) == EXACT


def test_many_files_of_one_content_are_paired_with_the_first() -> None:
    rows = list(range(MANY + 5))
    assert len(pairs_of_files(rows[:4], rows[:4])) == 6
    assert pairs_of_files(rows, rows) == [(0, row, False) for row in rows[1:]]


def test_exact_copies_come_first_and_the_surest_next() -> None:
    pairs = [pair(0, 1, 0.2), pair(0, 2, 0.7), pair(0, 3, 9, Relation.SIMILAR)]
    pairs.append(VideoPair(4, 5, EXACT, exact=True))
    assert [one.b for one in in_order(pairs)] == [5, 2, 1, 3]
