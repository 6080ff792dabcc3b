"""What people and programs are told of a store: its cached extras, and each failure's own words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from rich.console import Console as RichConsole

from chainpipe.pipeline.cli.store_info import store_facts, store_table
from chainpipe.pipeline.extraction.report import write_failures
from chainpipe.pipeline.store import open_store
from tests.pipeline.store.store_samples import FAILED, META, RICH, make, videos


def text_of(path: Path) -> str:
    console = RichConsole(width=200)
    with open_store(path) as store, console.capture() as capture:
        console.print(store_table(store))
    return capture.get()


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_info_tells_what_is_cached(tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(3, RICH), RICH)
    text = text_of(path)
    for words in ("3 in each of 4 segments", "2 of each video, consistent, seed 7", "30% of the"):
        assert words in text
    with open_store(path) as store:
        facts = json.loads(json.dumps(store_facts(store)))
    assert facts["augmentation"]["directions"] == 2
    assert facts["settings"]["per_segment"] == 3
    assert facts["failed"][0]["command"] == "av 18"
    assert facts["failed"][0]["stderr"] == "a\nb\udcfe"


def test_info_is_silent_about_what_is_not_cached(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.h5", videos(3, META))
    text = text_of(path)
    assert not any(word in text for word in ("candidates", "views", "augmentation"))
    with open_store(path) as store:
        assert store_facts(store)["augmentation"] is None


def test_the_list_of_failures_keeps_command_and_stderr(tmp_path: Path) -> None:
    path = write_failures(tmp_path / "feats.h5", FAILED)
    assert path is not None
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        head, row = csv.reader(file)
    assert head == ["path", "status", "message", "attempts", "command", "stderr"]
    assert row[1:] == ["corrupt", FAILED[0].message, "2", "av 18", "a\nb\udcfe"]
