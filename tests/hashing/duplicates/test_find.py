"""Duplicates of a planted library: what is paired, grouped, kept, set apart and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.duplicates import find
from chainpipe.hashing.duplicates.contents import VideoContents
from chainpipe.hashing.duplicates.decisions import Decision, Decisions
from chainpipe.hashing.duplicates.find import DuplicateSearch, find_copies
from chainpipe.hashing.duplicates.gates import Gates, LengthDifference
from chainpipe.hashing.duplicates.keep import parse_rules
from chainpipe.hashing.duplicates.pairs import VideoPair
from chainpipe.hashing.duplicates.report import DuplicateReport
from chainpipe.hashing.matching.records import Relation
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Fingerprint, StoreMeta
from chainpipe.pipeline.store import open_store
from tests.hashing.duplicates.duplicate_samples import (
    META,
    Planted,
    T,
    edited,
    library,
    walk,
    write,
)

A = {b"a/original.mp4", b"a/copy.mp4", b"a/again.mp4"}
B = {b"b/first.mp4", b"b/second.mp4", b"b/copy.mp4"}


def found(path: Path, search: DuplicateSearch | None = None, **more: object) -> DuplicateReport:
    with open_store(path) as store:
        return find_copies(store, search or DuplicateSearch(), **more)  # type: ignore[arg-type]


def names(report: DuplicateReport, rows: Sequence[int]) -> set[bytes]:
    return {report.videos.paths[row] for row in rows}


def copies(report: DuplicateReport) -> set[frozenset[bytes]]:
    return {frozenset(names(report, (p.a, p.b))) for p in report.pairs if p.is_copy}


def two_of(group: set[bytes]) -> set[frozenset[bytes]]:
    return {frozenset((a, b)) for a in group for b in group if a != b}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("dedup") / "feats.h5", library())


@pytest.fixture(scope="module")
def report(store: Path) -> DuplicateReport:
    return found(store)


def test_every_planted_copy_is_found_and_nothing_else(report: DuplicateReport) -> None:
    assert copies(report) == two_of(A) | two_of(B)


def test_files_of_equal_bytes_are_exact_and_come_first(report: DuplicateReport) -> None:
    exact = [pair for pair in report.pairs if pair.exact]
    assert [names(report, (pair.a, pair.b)) for pair in exact] == [
        {b"b/first.mp4", b"b/second.mp4"}
    ]
    assert report.pairs[0] is exact[0]
    assert exact[0].verdict.reason == "the same bytes"


def test_groups_hold_the_copies_and_keep_the_largest_picture(report: DuplicateReport) -> None:
    assert [names(report, group.rows) for group in report.groups] == [A, B]
    first = report.groups[0]
    assert report.videos.paths[first.keep] == b"a/original.mp4"
    assert first.reason == "largest picture: 640x480, next 320x240"


def test_blank_videos_are_set_apart_and_never_paired(report: DuplicateReport) -> None:
    told = {report.videos.paths[one.row]: one for one in report.apart}
    assert {path: one.reason for path, one in told.items()} == {
        b"blank/black.mp4": "black",
        b"blank/black2.mp4": "black",
        b"blank/still.mp4": "still",
    }
    assert names(report, told[b"blank/black.mp4"].same_bytes) == {b"blank/black2.mp4"}
    paired = {path for pair in report.pairs for path in names(report, (pair.a, pair.b))}
    assert not [path for path in paired if path.startswith(b"blank/")]


def test_a_still_video_with_the_same_bytes_is_an_exact_copy(tmp_path: Path) -> None:
    still = next(one for one in library() if one.path == b"blank/still.mp4")
    again = replace(still, path=b"blank/again.mp4", content=b"blank/still.mp4")
    told = found(write(tmp_path / "feats.h5", [*library(), again]))
    assert frozenset((b"blank/still.mp4", b"blank/again.mp4")) in copies(told)


def test_an_ignored_pair_is_in_no_answer_and_no_group(store: Path, report: DuplicateReport) -> None:
    plain = report
    ids = {path: plain.videos.hex_id(row) for row, path in enumerate(plain.videos.paths)}
    pair = frozenset((ids[b"a/original.mp4"], ids[b"a/copy.mp4"]))
    told = found(store, DuplicateSearch(decisions=Decisions({pair: Decision.IGNORE})))
    assert frozenset((b"a/original.mp4", b"a/copy.mp4")) not in copies(told)
    assert not [g for g in told.groups if {b"a/original.mp4", b"a/copy.mp4"} <= names(told, g.rows)]
    assert told.ignored == 1


def test_an_accepted_pair_is_a_copy_whatever_the_check_says(
    store: Path, report: DuplicateReport
) -> None:
    plain = report
    ids = {path: plain.videos.hex_id(row) for row, path in enumerate(plain.videos.paths)}
    pair = frozenset((ids[b"x/00.mp4"], ids[b"x/01.mp4"]))
    told = found(store, DuplicateSearch(decisions=Decisions({pair: Decision.ACCEPT})))
    assert copies(told) == copies(plain) | {frozenset((b"x/00.mp4", b"x/01.mp4"))}
    assert {b"x/00.mp4", b"x/01.mp4"} in [names(told, group.rows) for group in told.groups]


def test_only_pairs_with_a_video_that_came_since_are_told(
    tmp_path: Path, report: DuplicateReport
) -> None:
    before = report
    counts = VideoContents(before.videos).counts()
    more = Planted(b"new/copy.mp4", edited(walk(1), 200))
    path = write(tmp_path / "feats.h5", [*library(), more])
    told = found(path, DuplicateSearch(before=counts))
    assert copies(told) == {frozenset((b"new/copy.mp4", one)) for one in A}
    assert [names(told, group.rows) for group in told.groups] == [A | {b"new/copy.mp4"}]
    assert not told.apart
    assert told.compared < before.compared


def test_a_second_file_of_known_bytes_is_new(tmp_path: Path, report: DuplicateReport) -> None:
    counts = VideoContents(report.videos).counts()
    again = replace(library()[0], path=b"new/same.mp4", content=b"a/original.mp4")
    told = found(write(tmp_path / "feats.h5", [*library(), again]), DuplicateSearch(before=counts))
    assert frozenset((b"new/same.mp4", b"a/original.mp4")) in copies(told)
    assert not [pair for pair in copies(told) if pair <= B]


def test_against_tells_what_the_other_store_has(tmp_path: Path, store: Path) -> None:
    mine = [
        Planted(b"mine/copy.mp4", edited(walk(1), 300)),
        Planted(b"mine/same.mp4", walk(2), content=b"same"),
        Planted(b"mine/own.mp4", walk(400)),
        Planted(b"mine/own copy.mp4", edited(walk(400), 401)),
    ]
    path = write(tmp_path / "mine.h5", mine)
    with open_store(store) as other:
        told = found(path, against=other)
    rows = {row for group in told.groups for row in group.others}
    assert names(told, sorted(rows)) == {b"mine/copy.mp4", b"mine/same.mp4"}
    assert all(pair.a < told.videos.first <= pair.b for pair in told.pairs)
    exact = [names(told, (pair.a, pair.b)) for pair in told.pairs if pair.exact]
    assert exact == [{b"mine/same.mp4", b"b/first.mp4"}, {b"mine/same.mp4", b"b/second.mp4"}]


def test_stores_of_two_backbones_are_refused(tmp_path: Path, store: Path) -> None:
    meta = StoreMeta(Fingerprint("other", "11", META.fingerprint.dim, "fit=crop"), T)
    path = write(tmp_path / "other.h5", library()[:2], meta=meta)
    with open_store(store) as other, pytest.raises(UsageError, match="backbone: other / cnn"):
        found(path, against=other)


def test_features_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    bad = Planted(b"bad.mp4", np.full((T, META.fingerprint.dim), np.nan, np.float32))
    videos = [*library(), bad]
    from chainpipe.pipeline.store import write_store
    from tests.hashing.duplicates.duplicate_samples import _row

    path = tmp_path / "feats.h5"
    rows = [_row(one) for one in videos]
    write_store(path, root=b"/v", meta=META, rows=iter(rows), count=len(rows), allow_nan=True)
    with pytest.raises(UsageError, match=r"NaN or infinite features in `bad\.mp4`"):
        found(path)


def test_gates_leave_pairs_out(store: Path) -> None:
    long = DuplicateSearch(gates=Gates(min_seconds=11.0))
    assert not copies(found(store, long))
    alike = DuplicateSearch(gates=Gates(max_length_difference=LengthDifference.parse("5%")))
    assert copies(found(store, alike)) == two_of(A) | two_of(B)


def test_codes_give_the_candidates_and_the_distance(store: Path, report: DuplicateReport) -> None:
    plain = report
    count = len(plain.videos)
    codes = np.zeros((count, 8), np.uint8)
    codes[np.arange(count), np.arange(count) % 8] = 1
    codes[4] = codes[3]  # of equal bytes
    told = found(store, codes=codes)
    assert copies(told) == copies(plain)
    for pair in told.pairs:
        differ = codes[pair.a] ^ codes[pair.b]
        assert pair.distance == sum(bin(byte).count("1") for byte in differ)


def test_a_second_look_may_change_every_answer(store: Path) -> None:
    def look(videos: object, pairs: Sequence[VideoPair], progress: object) -> list[VideoPair]:
        return [
            replace(one, verdict=replace(one.verdict, relation=Relation.SAME_SCENES))
            for one in pairs
        ]

    told = found(store, DuplicateSearch(recheck=look))
    assert {frozenset(names(told, (p.a, p.b))) for p in told.pairs if p.is_copy} == {
        frozenset((b"b/first.mp4", b"b/second.mp4"))
    }


def test_files_that_are_gone_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    for one in library():
        if one.path != b"a/original.mp4":
            (root / one.path.decode()).parent.mkdir(parents=True, exist_ok=True)
            (root / one.path.decode()).write_bytes(b"x")
    told = found(write(tmp_path / "feats.h5", library(), root=root))
    assert names(told, sorted(told.gone)) == {b"a/original.mp4"}
    assert [names(told, group.rows) for group in told.groups] == [A - {b"a/original.mp4"}, B]
    assert copies(told) == two_of(A - {b"a/original.mp4"}) | two_of(B)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_videos_are_no_trouble(tmp_path: Path, count: int) -> None:
    told = found(write(tmp_path / "feats.h5", library()[:count]))
    assert len(told.videos) == count


def test_the_rules_choose_what_to_keep(store: Path) -> None:
    told = found(store, DuplicateSearch(rules=parse_rules("path:a/a*,resolution")))
    assert told.videos.paths[told.groups[0].keep] == b"a/again.mp4"


def test_the_quick_look_before_many_comparisons_loses_no_planted_copy(
    store: Path, report: DuplicateReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "FILTERED", 0)
    told = found(store)
    assert copies(told) == copies(report)
    assert told.compared < report.compared
