"""What is written for programs: JSON lines, CSV, the list of paths."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from chainpipe.hashing.duplicates.find import DuplicateSearch, find_copies
from chainpipe.hashing.duplicates.lines import (
    CSV_COLUMNS,
    group_lines,
    json_lines,
    write_csv,
    write_list,
)
from chainpipe.hashing.duplicates.report import DuplicateReport
from chainpipe.hashing.duplicates.summary import summary_lines
from chainpipe.hashing.reporting.duplicates_tables import duplicate_tables
from chainpipe.pipeline.console import restored
from chainpipe.pipeline.store import open_store
from tests.hashing.duplicates.duplicate_samples import library, moved, write

ODD = b'b/new\nline \xff,".mp4'
KEYS = ["schema", "a", "b", "answer", "exact", "distance", "share_a", "share_b", "offset", "speed"]
KEYS += ["mirrored", "score"]  # the documented ones; further ones follow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> DuplicateReport:
    videos = moved(library(), {b"b/second.mp4": ODD})
    with open_store(write(tmp_path_factory.mktemp("lines") / "feats.h5", videos)) as store:
        return find_copies(store, DuplicateSearch())


def test_a_json_object_for_each_pair_and_each_blank_video(report: DuplicateReport) -> None:
    lines = [json.loads(line) for line in json_lines(report)]
    pairs = [line for line in lines if "answer" in line]
    assert len(pairs) == len(report.pairs)
    assert all(list(line)[: len(KEYS)] == KEYS for line in pairs)
    exact = pairs[0]
    assert exact["b"] == ODD.decode("utf-8", "backslashreplace")
    assert (bytes.fromhex(exact["b_bytes"]), "a_bytes" in exact) == (ODD, False)
    assert (exact["answer"], exact["exact"], exact["mirrored"]) == ("copy", True, False)
    assert (exact["share_a"], exact["share_b"], exact["offset"], exact["speed"]) == (1, 1, 0, 1)
    scores = [line["score"] for line in pairs if line["answer"] == "copy"]
    assert scores == sorted(scores, reverse=True)
    blank = [line for line in lines if "blank" in line]
    assert {line["path"]: line["blank"] for line in blank} == {
        **{"blank/black.mp4": "black", "blank/black2.mp4": "black", "blank/still.mp4": "still"}
    }
    assert list(blank[0])[:3] == ["schema", "path", "blank"]


def test_a_json_object_for_each_group(report: DuplicateReport) -> None:
    first, second, *rest = (json.loads(line) for line in group_lines(report))
    assert (first["group"], first["keep"]) == (1, "a/original.mp4")
    assert [one["keep"] for one in first["videos"]] == [True, False, False]
    names = {restored(one)["path"] for one in second["videos"]}
    assert names >= {"b/first.mp4", os.fsdecode(ODD)}
    assert all("blank" in one for one in rest)


def test_csv_holds_every_pair_and_its_group(report: DuplicateReport, tmp_path: Path) -> None:
    write_csv(tmp_path / "pairs.csv", report)
    text = (tmp_path / "pairs.csv").read_bytes().decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == len(report.pairs)
    assert os.fsencode(rows[0]["b"]) == ODD
    assert (rows[0]["group"], rows[0]["exact"]) == ("2", "True")
    assert {row["keep"] for row in rows if row["group"] == "1"} == {"a/original.mp4"}


def test_the_list_names_the_copies_that_may_go(report: DuplicateReport, tmp_path: Path) -> None:
    warning = write_list(tmp_path / "copies.txt", report)
    names = (tmp_path / "copies.txt").read_bytes().splitlines()
    root = report.videos.stores[0].root
    kept = {report.videos.file(group.keep) for group in report.groups}
    assert set(names) & kept == set()
    assert {os.path.relpath(name, root) for name in names} | {ODD} == {
        *(b"a/copy.mp4", b"a/again.mp4", b"b/copy.mp4", b"b/first.mp4", ODD)
    } - {os.path.relpath(file, root) for file in kept} | {ODD}
    broken = ODD in {report.videos.paths[row] for group in report.groups for row in group.others}
    assert (r"new\nline" in warning) == broken


def test_tables_and_summary_say_it_to_people(report: DuplicateReport) -> None:
    titles = [str(table.title) for table in duplicate_tables(report)]
    assert titles[0] == "Copies"
    assert titles[-1] == "Without information: compared with no other"
    lines = list(summary_lines(report))
    assert lines[0].startswith("2 groups of copies: 4 files of ")
    assert "3 videos without information, compared with no other" in lines


def test_nothing_found_is_said(report: DuplicateReport) -> None:
    nothing = replace(report, pairs=(), groups=(), apart=())
    assert list(json_lines(nothing)) == list(group_lines(nothing)) == []
    assert duplicate_tables(nothing) == []
    assert next(summary_lines(nothing)).startswith("no copies (")
