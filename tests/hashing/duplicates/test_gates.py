"""Gates: which pairs are told, by lengths and by what they have in common."""

from __future__ import annotations

import pytest

from chainpipe.hashing.duplicates.gates import Gates, LengthDifference
from chainpipe.hashing.matching.records import AlignedRun, Alignment
from chainpipe.pipeline.errors import UsageError


def aligned(share_a: float, share_b: float) -> Alignment:
    run = AlignedRun(0.0, 1.0, 0.0, 1.0, 1.0)
    return Alignment((run,), share_a, share_b, dyn=1.0, step=1.0, cosine=1.0, score=1.0)


@pytest.mark.parametrize("words", ["", "x", "-1", "-5%", "nan", "inf", "5 m", "%", "5%%"])
def test_what_is_no_difference_of_lengths_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="is no difference of lengths"):
        LengthDifference.parse(words)


@pytest.mark.parametrize(
    ("words", "a", "b", "passes"),
    [
        ("10%", 100.0, 90.0, True),
        ("10%", 100.0, 89.0, False),
        ("5s", 100.0, 95.0, True),
        ("5", 100.0, 94.9, False),
        ("0", 8.0, 8.0, True),
    ],
)
def test_lengths_that_differ_too_much_do_not_pass(
    words: str, a: float, b: float, passes: bool
) -> None:
    gates = Gates(max_length_difference=LengthDifference.parse(words))
    assert gates.lengths_pass([a], [b]).tolist() == [passes]
    assert gates.lengths_pass([b], [a]).tolist() == [passes]


def test_the_overlap_is_that_of_the_shorter_video() -> None:
    found = aligned(1.0, 0.2)  # 10 s, and a fifth of 50 s
    assert Gates(min_overlap=90).alignment_passes(found, 10.0, 50.0)
    assert not Gates(min_overlap=90).alignment_passes(found, 50.0, 10.0)


def test_seconds_in_common_count_in_the_video_that_shows_more() -> None:
    assert Gates(min_seconds=10).alignment_passes(aligned(1.0, 0.2), 10.0, 50.0)
    assert not Gates(min_seconds=10.5).alignment_passes(aligned(1.0, 0.2), 10.0, 50.0)


def test_a_pair_without_an_alignment_passes_where_nothing_is_asked() -> None:
    assert Gates().alignment_passes(None, 1.0, 1.0)
    assert not Gates(min_overlap=1).alignment_passes(None, 1.0, 1.0)
    assert not Gates(min_seconds=1).alignment_passes(None, 9.0, 9.0)


@pytest.mark.parametrize(("overlap", "seconds"), [(-1, 0), (101, 0), (0, -1), (0, float("nan"))])
def test_impossible_gates_are_refused(overlap: float, seconds: float) -> None:
    with pytest.raises(UsageError, match="impossible"):
        Gates(min_overlap=overlap, min_seconds=seconds)
