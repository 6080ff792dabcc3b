"""A list of a store is taken back as a list of videos, wherever it was saved."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.inputs.manifest import read_manifest
from chainpipe.pipeline.store import open_store
from tests.pipeline.cli.test_cli import run, videos

__all__ = ["videos"]  # fixture


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_list_saved_anywhere_is_taken_back(videos: Path, tmp_path: Path, kind: str) -> None:
    folder, out = tmp_path / "lib", tmp_path / "f.h5"
    shutil.copytree(videos, folder)
    names = ["plain", "two; in one", "[odd", 'a "quote", too']
    lines = [
        {"path": os.fsdecode(path.relative_to(folder)), "label": names[n : n + 2], "split": "train"}
        for n, path in enumerate(sorted(folder.rglob("*.mp4")))
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)))
    words = "--out", out, "--frames", 2
    assert run("extract", folder, "--labels", folder / "labels.jsonl", *words).exit_code == 0
    written = out.stat().st_mtime_ns
    listed = tmp_path / "elsewhere/deep" / f"list.{kind}"
    listed.parent.mkdir(parents=True)
    format = "--csv" if kind == "csv" else "--json"
    listed.write_bytes(run("list", out, format).stdout_bytes)
    again = run("extract", listed, *words)
    assert again.exit_code == 0
    assert "nothing to do" in again.stderr
    assert out.stat().st_mtime_ns == written
    new = tmp_path / "new.h5"
    assert run("extract", listed, "--out", new, "--frames", 2).exit_code == 0
    with open_store(out) as before, open_store(new) as after:
        assert (after.root, after.videos.paths) == (before.root, before.videos.paths)
        for row in range(len(before.videos)):
            assert after.videos.names_of(row) == before.videos.names_of(row)


def test_lists_of_two_stores_in_one_name_files_of_both(videos: Path, tmp_path: Path) -> None:
    roots = [shutil.copytree(videos, tmp_path / name) for name in ("a", "b")]
    lines = [f"cat/a.mp4,{root}" for root in roots]
    (tmp_path / "x").mkdir()
    (tmp_path / "x/list.csv").write_text("\n".join(["path,root", *lines, f"cat/a.mp4,{roots[0]}x"]))
    found = read_manifest(tmp_path / "x/list.csv")
    assert [item.path for item in found.items] == [
        b"../a/cat/a.mp4",
        b"../b/cat/a.mp4",
        b"cat/a.mp4",
    ]


def test_a_list_in_json_keeps_names_that_are_not_utf8(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    odd = os.fsencode(folder) + b"/caf\xe9.mp4"
    shutil.copy(next(videos.rglob("*.mp4")), odd)
    assert run("extract", folder, "--out", tmp_path / "f.h5", "--frames", 2).exit_code == 0
    listed = tmp_path / "list.jsonl"
    listed.write_bytes(run("list", tmp_path / "f.h5", "--json").stdout_bytes)
    assert json.loads(listed.read_text())["path"] == r"caf\xe9.mp4"
    assert read_manifest(listed).items[0].path == b"caf\xe9.mp4"
    listed.write_text('{"path": "a.mp4", "path_bytes": "zz"}')
    with pytest.raises(UsageError, match="bytes that are no bytes"):
        read_manifest(listed)
