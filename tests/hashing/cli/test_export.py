"""The verb ``export codes``: which codes, durations of the store, what no output may replace."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from chainpipe.hashing.database.formats import FORMATS
from chainpipe.hashing.retrieval.codes import read_codes, write_codes
from chainpipe.pipeline.errors import DamageError, NotFoundError, StorageError, UsageError
from tests.hashing.cli.test_cli import NAMES, Stage, stage

__all__ = ["stage"]  # the fixture
CODES = Path("models/feats-lsh-16/codes.npz")


@pytest.fixture
def encoded(stage: Stage) -> Stage:
    stage.run("encode")
    stage.said.clear()
    return stage


def exported(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_newest_model_and_its_store_are_taken(encoded: Stage) -> None:
    assert encoded.run("export", "codes", "--out", "codes.csv") == "codes.csv\n"
    rows = exported(Path("codes.csv"))
    assert [row["path"] for row in rows] == NAMES
    assert {row["duration"] for row in rows} == {"4.0"}
    assert [row["labels"] for row in rows[::4]] == ["ant", "bee", "cow"]
    assert encoded.progressed["export"] == 12
    assert encoded.said[-1].startswith("wrote codes.csv: 12 rows, ")


@pytest.mark.parametrize("name", FORMATS)
def test_json_says_what_was_written(encoded: Stage, name: str) -> None:
    out = encoded.run("export", "codes", "--out", "codes", "--format", name, "--json")
    found = json.loads(out)
    assert found.pop("bytes") == Path("codes").stat().st_size > 100
    assert found == {"schema": 1, "out": "codes", "format": name, "rows": 12, "bits": 16}


def test_durations_come_from_the_store_by_content(encoded: Stage) -> None:
    codes = read_codes(CODES)
    other = codes.remove([2])[[3, 0, 1]]
    write_codes(Path("some.npz"), other)
    encoded.run("export", "codes", "--codes", "some.npz", "--out", "a.csv")
    assert [row["duration"] for row in exported(Path("a.csv"))] == ["", "", ""]
    how = ["--codes", "some.npz", "--store", "feats.h5"]
    encoded.run("export", "codes", *how, "--out", "b.csv")
    assert [(row["path"], row["duration"]) for row in exported(Path("b.csv"))] == [
        (name, "4.0") for name in other.ids
    ]
    Path("feats.h5").rename("gone.h5")
    encoded.run("export", "codes", "--out", "c.csv")
    assert {row["duration"] for row in exported(Path("c.csv"))} == {""}


def test_a_damaged_store_costs_the_durations_unless_it_was_named(encoded: Stage) -> None:
    content = Path("feats.h5").read_bytes()
    Path("feats.h5").write_bytes(content[: len(content) // 2])
    encoded.run("export", "codes", "--out", "a.csv")
    assert {row["duration"] for row in exported(Path("a.csv"))} == {""}
    assert any(line.startswith("no durations: ") for line in encoded.said)
    with pytest.raises(DamageError):
        encoded.run("export", "codes", "--out", "a.csv", "--store", "feats.h5")
    with pytest.raises(NotFoundError):
        encoded.run("export", "codes", "--out", "a.csv", "--store", "no.h5")


def test_no_input_store_or_video_is_replaced(encoded: Stage) -> None:
    shutil.copy("feats.h5", "other.h5")
    Path("notes.sql").write_text("SELECT 1")
    outs = ["feats.h5", "other.h5", "notes.sql", str(CODES), str(encoded.root / "bee/b1.mp4")]
    Path("link.csv").symlink_to("feats.h5")
    for out in [*outs, "link.csv"]:
        before = Path(out).read_bytes()
        with pytest.raises(UsageError, match="is there, and is no csv file"):
            encoded.run("export", "codes", "--out", out, "--format", "csv")
        assert Path(out).read_bytes() == before


def test_an_older_file_of_the_format_is_replaced(encoded: Stage) -> None:
    for name in ("codes.csv", "codes"):
        for _ in range(2):
            encoded.run("export", "codes", "--out", name, "--format", "csv")
        assert len(exported(Path(name))) == 12


def test_wrong_options_are_refused(encoded: Stage) -> None:
    export = ("export", "codes", "--out", "codes.csv")
    with pytest.raises(UsageError, match="both `--codes x` and `--model y`"):
        encoded.run(*export, "--codes", "x", "--model", "y")
    with pytest.raises(UsageError, match="no format `xls`"):
        encoded.run(*export, "--format", "xls")
    with pytest.raises(UsageError, match="there is no folder `no`"):
        encoded.run("export", "codes", "--out", "no/codes.csv")
    with pytest.raises(UsageError, match="no codes of windows"):
        encoded.run(*export, "--windows")
    with pytest.raises(NotFoundError, match=r"no codes file `x\.npz`"):
        encoded.run(*export, "--codes", "x.npz")
    write_codes(Path("none.npz"), read_codes(CODES)[:0])
    with pytest.raises(UsageError, match=r"there are no codes in `none\.npz`"):
        encoded.run(*export, "--codes", "none.npz")
    Path("folder.csv").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        encoded.run("export", "codes", "--out", "folder.csv")
    assert not Path("codes.csv").exists()
