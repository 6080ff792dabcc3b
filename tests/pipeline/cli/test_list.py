"""The verb list: one line for each video, for people, for spreadsheets and for programs."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from chainpipe.pipeline.cli import app
from chainpipe.pipeline.console import restored
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.records import Blank, Split, Status
from tests.pipeline.store.store_samples import FAILED, make, videos

KEYS = ["schema", "path", "id", "status", "duration", "label", "split", "blank", "root"]


def run(*arguments: object) -> Result:
    return CliRunner(env={"TERM": "dumb"}).invoke(app, ["list", *map(str, arguments)])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("list") / "feats.h5", videos(8))


def test_json_has_a_line_for_each_video_and_each_failure(store: Path) -> None:
    printed = run(store, "--json").stdout.splitlines()
    lines = [restored(json.loads(line)) for line in printed]
    assert all(list(line) == KEYS for line in lines)
    assert "udc" not in "".join(printed)
    for line, row in zip(lines, videos(8), strict=False):
        assert os.fsencode(line["path"]) == row.path
        assert (line["id"], line["duration"]) == (row.video_id.hex(), row.info.duration)
        assert (Status[line["status"].upper()], Split[line["split"].upper()]) == (
            row.status,
            row.split,
        )
        assert sorted(line["label"]) == sorted(row.labels)
        assert Blank[(line["blank"] or "unknown").upper()] is row.blank
    last = lines[8:]
    assert [os.fsencode(line["path"]) for line in last] == [video.path for video in FAILED]
    assert (last[0]["status"], last[0]["id"], last[0]["duration"]) == ("corrupt", None, None)


def test_csv_has_a_line_for_each_video(store: Path) -> None:
    done = run(store, "--csv")
    assert done.exit_code == 0
    text = done.stdout_bytes.decode("utf-8", "surrogateescape")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == KEYS[1:]
    assert [os.fsencode(row["path"]) for row in rows[:8]] == [row.path for row in videos(8)]
    assert [row["blank"] for row in rows[:7]] == [
        *("none", "black", "white", "colour", "still", "other", ""),
    ]
    assert rows[0]["label"].split(";") == ["cat", "caf\udce9"]


def test_people_see_a_line_for_each_video(store: Path) -> None:
    lines = run(store).stdout.splitlines()
    assert len(lines) == 8 + len(FAILED)
    assert lines[1].split() == [
        *(videos(2)[1].video_id.hex()[:12], "short", "5.50", "s", "train", "black"),
        r"-x/\xff\n0001.mp4",
    ]
    assert lines[2].endswith(r"[caf\xe9]")
    assert lines[-1].split() == ["corrupt", r"bad\xfe.mp4"]


def test_two_formats_at_once_are_refused(store: Path) -> None:
    assert isinstance(run(store, "--json", "--csv").exception, UsageError)


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path / "none.h5").exception, NotFoundError)
