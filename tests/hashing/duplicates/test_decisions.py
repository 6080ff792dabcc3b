"""Decisions on pairs: what is read back, what a garbled line says, what a write leaves alone."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.duplicates.decisions import (
    DecidedPair,
    Decision,
    add_decisions,
    decisions_beside,
    parse_decision,
    read_decisions,
)
from chainpipe.pipeline.errors import StorageError, UsageError

A, B, C = ("ab" * 32, "cd" * 32, "ef" * 32)


def line(**changes: object) -> str:
    facts: dict[str, object] = {"schema": 1, "a": A, "b": B, "decision": "ignore"}
    return json.dumps(facts | {"path_a": "x.mp4", "path_b": "y.mp4"} | changes)


def test_the_order_of_a_pair_does_not_matter_and_the_last_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    add_decisions(path, [DecidedPair(A, B, Decision.IGNORE), DecidedPair(A, C, Decision.ACCEPT)])
    assert read_decisions(path).of(B, A) is Decision.IGNORE
    add_decisions(path, [DecidedPair(B, A, Decision.ACCEPT)])
    made = read_decisions(path)
    assert made.of(A, B) is made.of(C, A) is Decision.ACCEPT
    assert made.of(B, C) is None
    assert sorted(made.pairs(Decision.ACCEPT)) == [(A, B), (A, C)]


def test_a_line_has_the_documented_keys(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    odd = os.fsdecode(b"new\nline \xff.mp4")
    add_decisions(path, [DecidedPair(A, B, Decision.IGNORE, odd, "b.mp4")])
    text = path.read_bytes()
    assert text.count(b"\n") == 1
    assert json.loads(text) == {
        **{"schema": 1, "a": A, "b": B, "decision": "ignore"},
        **{"path_a": "new\nline \\xff.mp4", "path_b": "b.mp4"},
        "path_a_bytes": b"new\nline \xff.mp4".hex(),
    }
    assert len(read_decisions(path)) == 1
    assert parse_decision(text.strip(), "it").path_a == odd


def test_what_was_in_the_file_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    before = line().encode() + b"\r\n\n  " + line(decision="accept").encode()
    path.write_bytes(before)  # as an editor leaves it, without an end
    add_decisions(path, [DecidedPair(A, C, Decision.IGNORE)])
    assert path.read_bytes().startswith(before + b"\n")
    assert read_decisions(path).of(A, B) is Decision.ACCEPT
    assert read_decisions(path).of(A, C) is Decision.IGNORE


def test_no_file_is_no_decision(tmp_path: Path) -> None:
    assert not len(read_decisions(tmp_path / "none.jsonl"))
    assert not len(read_decisions(None))
    assert decisions_beside(tmp_path / "feats.h5") == tmp_path / "decisions.jsonl"


@pytest.mark.parametrize(
    ("garbled", "words"),
    [
        ("{not json", "is no JSON: `{not json`"),
        ("[1, 2]", "is no JSON object"),
        ("\udcff\udcfe", "is no JSON"),
        (line(schema=2), "has the schema `2`, not 1"),
        (line(a="xyz"), "`a` is no SHA-256 in lower case: `xyz`"),
        (line(b=A.upper()), "`b` is no SHA-256"),
        (line(b=None), "`b` is no SHA-256"),
        (line(decision="maybe"), "the decision is `maybe`"),
        (line(decision=["ignore"]), "the decision is"),
        ("[" * 60_000, "is no JSON"),
        (line(path_a_bytes="xy"), "bytes that are not hexadecimal"),
    ],
)
def test_a_garbled_line_is_named_and_nothing_is_written(
    tmp_path: Path, garbled: str, words: str
) -> None:
    path = tmp_path / "decisions.jsonl"
    before = os.fsencode(f"{line()}\n{garbled}\n")
    path.write_bytes(before)
    with pytest.raises(UsageError, match="line 2 of") as raised:
        read_decisions(path)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.hint is not None
    with pytest.raises(UsageError):
        add_decisions(path, [DecidedPair(A, C, Decision.IGNORE)])
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["decisions.jsonl"]


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with TemporaryDirectory() as folder, contextlib.suppress(UsageError):
        path = Path(folder) / "decisions.jsonl"
        path.write_bytes(text)
        read_decisions(path)


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        add_decisions(tmp_path / "none" / "d.jsonl", [DecidedPair(A, B, Decision.IGNORE)])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").mkdir()
    with pytest.raises(UsageError, match="cannot read the decisions"):
        read_decisions(tmp_path / "decisions.jsonl")


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "decisions.jsonl"
    code = (
        "import sys; from pathlib import Path\n"
        "from chainpipe.hashing.duplicates.decisions import *\n"
        "for n in range(6):\n"
        "    b = f'{int(sys.argv[2]) * 100 + n:064x}'\n"
        "    add_decisions(Path(sys.argv[1]), [DecidedPair('a' * 64, b, Decision.IGNORE)])\n"
    )
    root = Path(__file__).parents[3]
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(n)], cwd=root)
        for n in range(1, 4)
    ]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert len(read_decisions(path)) == 18
