"""Files of other commands: read as they were printed, or named with their line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chainpipe import command
from chainpipe.gallery.build import _silent
from chainpipe.gallery.duplicate_pairs import (
    aligned_moments,
    look_for_duplicates,
    read_duplicates,
)
from chainpipe.gallery.film_places import by_film, read_places
from chainpipe.gallery.inputs import GalleryInputs
from chainpipe.gallery.json_lines import read_json_lines
from chainpipe.pipeline.console import json_text
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store import open_store
from tests.chainpipe.gallery.made_library import write_library

PAIR = {"schema": 1, "a": "card/0.mp4", "b": "card/1.mp4", "answer": "copy", "exact": False}
PLACE: dict[str, Any] = {
    "schema": 1, "query": "c.mp4", "path": "card/0.mp4", "start": 1.0, "end": 2.0,
    "query_start": 0.0, "query_end": 1.0, "speed": 1.0, "score": 2.0,
}  # fmt: skip


def written(path: Path, *lines: object) -> Path:
    path.write_text(
        "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    )
    return path


def test_a_file_of_dedup_says_the_same_as_looking_now(
    make_copies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert command.run(["dedup", str(make_copies), "--json"]) == 0
    path = written(tmp_path / "d.jsonl", capsys.readouterr().out)
    with open_store(make_copies) as store:
        read = read_duplicates(path, store)
        now = look_for_duplicates(store, codes=None, workers=1, progress=_silent)
    assert [(a, b) for a, b, _ in read.pairs] == [(a, b) for a, b, _ in now.pairs] == [(0, 1)]
    assert {k: v for k, v in read.pairs[0][2].items() if k != "schema"} == now.pairs[0][2]
    assert [group.rows for group in read.groups] == [group.rows for group in now.groups] == [(0, 1)]


def test_copies_of_a_file_are_grouped_and_others_are_not(store: Path, tmp_path: Path) -> None:
    lines = [
        PAIR | {"score": 0.9},
        PAIR | {"b": "grey/0.mp4", "score": 0.8},  # a copy of card/0 alone: no group of three
        PAIR | {"a": "dark/0.mp4", "b": "dark/1.mp4", "answer": "part-of"},
        PAIR | {"a": "dark/0.mp4", "b": "grey/1.mp4", "answer": "similar"},
        {"schema": 1, "path": "turned/0.mp4", "blank": "nothing moves"},
    ]
    with open_store(store) as opened:
        found = read_duplicates(written(tmp_path / "d.jsonl", *lines), opened)
        row_of = {name.decode(): row for row, name in enumerate(opened.videos.paths)}
    assert [{*group.rows} for group in found.groups] == [
        {row_of["card/0.mp4"], row_of["card/1.mp4"]}
    ]
    assert [facts["answer"] for *_, facts in found.pairs] == ["copy", "copy", "part-of"]
    assert found.blank == {row_of["turned/0.mp4"]: "nothing moves"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("no json", "line 1 of .* is no JSON"),
        ("[" * 60_000, "is no JSON"),
        ("[1]", "is no JSON object"),
        ({"schema": 2}, "has the schema `2`, not 1"),
        ({"schema": 1, "group": 1}, "is no pair of `dedup --json`"),
        (PAIR | {"a": "gone.mp4"}, "names `gone.mp4`, which the store does not have"),
        (PAIR | {"speed": "fast"}, "`speed` is no number: `fast`"),
        (PAIR | {"a_bytes": "xy"}, "has bytes that are not hexadecimal"),
    ],
)
def test_a_wrong_line_of_dedup_is_named(
    store: Path, tmp_path: Path, line: object, words: str
) -> None:
    path = written(tmp_path / "d.jsonl", line)
    with open_store(store) as opened, pytest.raises(UsageError, match=words):
        read_duplicates(path, opened)


def test_names_that_are_no_text_are_found_again(tmp_path: Path) -> None:
    names = [b"caf\xe9.mp4", b"b.mp4"]
    line = json_text(PAIR | {"a": os.fsdecode(names[0]), "b": "b.mp4"})
    place = json_text(PLACE | {"query": "x.mp4", "path": os.fsdecode(names[0])})
    with open_store(write_library(tmp_path / "s.h5", names)) as store:
        [(a, b, _)] = read_duplicates(written(tmp_path / "d.jsonl", line), store).pairs
        [found] = read_places(written(tmp_path / "f.jsonl", place), store)
    assert (a, b, found.film_row) == (0, 1, 0)


@pytest.mark.parametrize("read", [read_duplicates, read_places])
def test_a_file_that_is_not_there_is_named(store: Path, tmp_path: Path, read: Any) -> None:
    with open_store(store) as opened:
        with pytest.raises(NotFoundError, match=r"there is no file `.*gone"):
            read(tmp_path / "gone", opened)
        with pytest.raises(UsageError, match="cannot read"):
            read(tmp_path, opened)


def test_places_are_those_of_the_file(store: Path, library: Path, tmp_path: Path) -> None:
    late = PLACE | {"query": str(library / "card/1.mp4"), "start": 3.0, "end": 4.0}
    nowhere = PLACE | {"path": None, "start": None}
    path = written(tmp_path / "f.jsonl", late, PLACE, nowhere)
    with open_store(store) as opened:
        found = read_places(path, opened)
        names = [name.decode() for name in opened.videos.paths]
    assert [one.query_row for one in found] == [names.index("card/1.mp4"), -1, -1]
    assert [one.film_row for one in found] == [names.index("card/0.mp4")] * 2 + [-1]
    assert [one.start for one in by_film(found)["card/0.mp4"]] == [1.0, 3.0]
    assert list(found[1].moments(2)) == [(1.25, 0.25), (1.75, 0.75)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"schema": 1}, "is no place of `find --json`"),
        (PLACE | {"end": None}, "`end` is no number: `None`"),
    ],
)
def test_a_wrong_line_of_find_is_named(
    store: Path, tmp_path: Path, line: object, words: str
) -> None:
    path = written(tmp_path / "f.jsonl", line)
    with open_store(store) as opened, pytest.raises(UsageError, match=words):
        read_places(path, opened)


def test_aligned_moments_show_the_same() -> None:
    facts = {"a_start": 0.0, "a_end": 4.0, "b_start": 10.0, "b_end": 12.0, "speed": 0.5}
    assert list(aligned_moments(facts, 2)) == [(1.0, 10.5), (3.0, 11.5)]
    assert list(aligned_moments(facts | {"speed": None}, 2)) == []


def test_lines_are_counted_with_empty_ones(tmp_path: Path) -> None:
    path = written(tmp_path / "x", "", {"schema": 1, "n": 1}, "", {"schema": 1, "n": 2})
    found = list(read_json_lines(path, schema=1, hint=""))
    assert [(where.split()[1], facts["n"]) for where, facts in found] == [("2", 1), ("4", 2)]


@pytest.mark.parametrize("name", ["neighbours", "thumbnails"])
def test_a_number_below_one_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match=f"`{name}` is 0"):
        GalleryInputs(**{name: 0})
