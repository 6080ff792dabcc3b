"""JSON of names that are not UTF-8: valid for every parser, and nothing is lost."""

from __future__ import annotations

import json
import os

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.pipeline.console import json_text, restored

NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name).map(os.fsdecode)


@given(NAMES, st.lists(NAMES, max_size=4))
def test_any_name_comes_back_from_valid_utf8(name: str, labels: list[str]) -> None:
    text = json_text({"path": name, "labels": labels, "rank": 1})
    text.encode("utf-8")
    facts = json.loads(text)
    json.dumps(facts, ensure_ascii=False).encode("utf-8")  # no lone surrogate
    assert restored(facts) == {"path": name, "labels": labels, "rank": 1}


def test_names_that_are_utf8_are_as_before() -> None:
    facts = {"path": "caf\u00e9 \U0001f3a5.mp4", "to": ["a", None], "more": {"score": 0.5}}
    assert json_text(facts) == json.dumps(facts)
    assert json_text(facts, indent=2) == json.dumps(facts, indent=2)


def test_inner_objects_and_lists_have_their_bytes_beside_them() -> None:
    odd = os.fsdecode(b"\xff.mp4")
    assert json.loads(json_text({"moved": [{"from": odd, "to": "b"}], "gone": ["a", odd]})) == {
        "moved": [{"from": r"\xff.mp4", "from_bytes": "ff2e6d7034", "to": "b"}],
        "gone": ["a", r"\xff.mp4"],
        "gone_bytes": [None, "ff2e6d7034"],
    }


def test_another_parser_reads_it() -> None:
    text = json_text({"path": os.fsdecode(b"caf\xe9\n.mp4")})
    found = duckdb.execute("select ?::json ->> 'path', ?::json ->> 'path_bytes'", [text, text])
    assert found.fetchone() == ("caf\\xe9\n.mp4", b"caf\xe9\n.mp4".hex())


def test_bytes_that_are_not_hexadecimal_are_refused() -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        restored({"path": "a", "path_bytes": "xy"})
