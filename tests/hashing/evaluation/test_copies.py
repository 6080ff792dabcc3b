"""The copy protocol: who asks, who is searched, what is right at rank 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.evaluation.copies import copies_protocol, rate_by_edit, right_at_one
from chainpipe.hashing.evaluation.copies_truth import read_copies_truth
from chainpipe.pipeline.errors import NotFoundError, UsageError

VIDEOS = """id,role,edits,values,group,kind,seconds,path
00,original,,{},,,4.0,videos/00.mp4
01,copy,crop,{},,copy,4.0,videos/01.mp4
02,copy,crop+logo+trim,{},,copy,4.0,videos/02.mp4
03,distractor,,{},,,4.0,videos/03.mp4
04,hard,,{},,take,4.0,videos/04.mp4
05,hard,logo+captions,{},t0,template,4.0,videos/05.mp4
06,empty,,{},,,4.0,videos/06.mp4
07,copy,excerpt,{},,copy,1.0,videos/07.mp4
08,original,,{},,,4.0,videos/08.mp4
09,copy,mirror,{},,copy,4.0,videos/09.mp4
"""
TRUTH = """a,b,relation,kind,edits
00,01,duplicate,,crop
01,02,duplicate,,crop+logo+trim
01,03,ignore,alike,crop
00,07,part-of,,excerpt
08,09,duplicate,,mirror
"""
PATHS = [b"sub/%02d.mp4" % number for number in range(9, -1, -1)]  # row 0 is video 09


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    (tmp_path / "videos.csv").write_text(VIDEOS)
    path = tmp_path / "truth.csv"
    path.write_text(TRUTH)
    return path


def test_copies_with_one_edit_ask_and_siblings_are_not_searched(truth: Path) -> None:
    found = copies_protocol(read_copies_truth(truth), PATHS)
    names = [PATHS[row][4:6] for row in found.database]
    assert names == [b"08", b"04", b"03", b"00"]  # originals, the take, the distractor
    assert [PATHS[row][4:6] for row in found.queries] == [b"09", b"01"]
    assert found.edits == ("mirror", "crop")
    assert found.right.tolist() == [[True, False, False, False], [False, False, False, True]]
    assert found.ignored.tolist() == [[False] * 4, [False, False, True, False]]
    assert found.unanswered == 1  # the excerpt is only a part of its original


def test_a_store_without_copies_is_refused(truth: Path) -> None:
    known = read_copies_truth(truth)
    with pytest.raises(UsageError, match="no copy with one edit"):
        copies_protocol(known, [b"elsewhere.mp4"])
    with pytest.raises(UsageError, match="no copy with one edit"):
        copies_protocol(known, [b"01.mp4"])  # its original is missing


@pytest.mark.parametrize("ties", [False, True])
def test_rank_one_is_the_mean_over_random_orders(ties: bool) -> None:
    rng = np.random.default_rng(3)
    shape = (12, 9)
    distances = rng.integers(0, 3, shape) if ties else rng.permutation(108).reshape(shape)
    right, ignored = rng.random(shape) < 0.3, rng.random(shape) < 0.2
    hits = np.zeros(len(distances))
    rounds = 4000
    for _ in range(rounds):
        order = rng.permutation(shape[1])
        for row, line in enumerate(distances):
            kept = [i for i in order if not ignored[row, i]]
            first = min(kept, key=lambda i: line[i])  # the first of equal ones in this order
            hits[row] += right[row, first]
    assert right_at_one(distances, right, ignored) == pytest.approx(hits / rounds, abs=0.03)


def test_a_query_without_any_answer_is_wrong() -> None:
    everything = np.ones((1, 3), bool)
    assert right_at_one(np.zeros((1, 3)), everything, everything).tolist() == [0.0]


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        right_at_one(np.zeros((2, 3)), np.zeros((2, 2), bool), np.zeros((2, 3), bool))


def test_the_rate_is_given_over_all_and_by_edit() -> None:
    first = np.array([1.0, 0.0, 0.5, 1.0])
    rates = rate_by_edit(first, ["trim", "crop", "trim", "trim"])
    assert rates == {"all": 0.625, "crop": 0.0, "trim": pytest.approx(2.5 / 3)}


def test_missing_and_malformed_files_are_named(truth: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.csv"):
        read_copies_truth(truth.with_name("nothing.csv"))
    truth.write_text("a,b\n00,01\n")
    with pytest.raises(UsageError, match="no column `relation`"):
        read_copies_truth(truth)
    truth.write_bytes(b"a,b,relation\n\xff,01,duplicate\n")
    with pytest.raises(UsageError, match="no CSV file"):
        read_copies_truth(truth)
    truth.write_text(TRUTH)
    truth.with_name("videos.csv").unlink()
    with pytest.raises(NotFoundError, match=r"videos\.csv"):
        read_copies_truth(truth)
