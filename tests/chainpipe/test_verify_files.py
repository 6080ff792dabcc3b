"""The verb ``verify`` on codes files and on stores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from chainpipe import command
from chainpipe.hashing.retrieval.codes import Codes

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def codes(tmp_path: Path) -> Path:
    Codes.from_bits(np.eye(9), ids="abcdefghi").save(tmp_path / "codes.npz")
    return tmp_path / "codes.npz"


def test_whole_codes_are_whole(codes: Path, capsys: Capture) -> None:
    assert command.run(["verify", str(codes)]) == 0
    assert "is whole: 9 codes" in capsys.readouterr().err
    assert command.run(["verify", str(codes), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {"schema": 1, "path": str(codes), "videos": 9, "damage": []}


def test_codes_are_known_by_their_bytes_or_their_name(codes: Path, capsys: Capture) -> None:
    other = codes.rename(codes.with_name("mine"))
    assert command.run(["verify", str(other)]) == 0
    assert command.run(["verify", str(codes)]) == 10
    assert "no codes file" in capsys.readouterr().err


@pytest.mark.parametrize("keep", [0.4, 0.9, 0.999])
def test_codes_that_are_cut_short_end_with_4(codes: Path, keep: float, capsys: Capture) -> None:
    whole = codes.read_bytes()
    codes.write_bytes(whole[: int(len(whole) * keep)])
    assert command.run(["verify", str(codes)]) == 4
    said = capsys.readouterr()
    assert "truncated or damaged" in said.out
    assert f"error: `{codes}` is damaged in 1 place" in said.err
    assert "chainpipe encode" in said.err


def test_any_flipped_bit_of_the_arrays_ends_with_4(codes: Path, capsys: Capture) -> None:
    whole = codes.read_bytes()
    places = [whole.find(column.tobytes()) for column in (np.packbits(np.eye(9, dtype=bool), 1,
              "little"), np.load(codes)["ids"])]  # fmt: skip
    for at in places:
        codes.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        assert command.run(["verify", str(codes), "--json"]) == 4
        assert json.loads(capsys.readouterr().out)["damage"]


def test_what_is_neither_is_told_what_can_be_checked(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path):
        assert command.run(["verify", str(path)]) == 10
        said = capsys.readouterr().err
        assert f"`{path}` is neither a feature store nor a codes file" in said
        assert "`verify` checks feature stores" in said
    assert command.run(["verify", str(tmp_path / "missing.h5")]) == 10
    assert "there is no feature store" in capsys.readouterr().err
