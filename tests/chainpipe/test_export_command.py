"""``chainpipe export codes`` on real clips: from videos to a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainpipe import command
from chainpipe.hashing.retrieval.codes import read_codes


def test_codes_of_clips_go_into_a_file(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["encode", "--model", str(model)]) == 0
    out = model.parent / "clips.jsonl"
    assert command.run(["export", "codes", "--model", str(model), "--out", str(out)]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert {row["labels"][0] for row in rows} == {"card", "dark", "grey", "turned"}
    assert all(abs(row["duration"] - 3) < 0.2 for row in rows)
    codes = read_codes(model / "codes.npz")
    assert [bytes.fromhex(row["code"]) for row in rows] == [one.tobytes() for one in codes.packed]
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
