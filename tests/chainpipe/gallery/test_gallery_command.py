"""The verb: what it writes, what a second run does, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from chainpipe import command
from chainpipe.gallery.build import build_gallery
from chainpipe.gallery.inputs import GalleryInputs
from chainpipe.gallery.page_files import PAGE
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.pipeline.errors import (
    DamageError,
    LockedError,
    NotFoundError,
    StorageError,
    UsageError,
)
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.lock import output_lock
from tests.chainpipe.gallery.made_library import write_library

QUICK = GalleryInputs(look=False, thumbnails=2, workers=1)


def data_of(gallery: Path, name: str) -> Any:
    """Read the data of a page as a browser does: from the folder that the page names."""
    folder = re.findall(r"page-[0-9a-f]+", (gallery / PAGE).read_text())[0]
    text = (gallery / folder / f"data-{name}.js").read_text()
    return json.loads(text.partition(" = ")[2].removesuffix(";"))


def strips(gallery: Path) -> dict[str, int]:
    return {
        path.relative_to(gallery).as_posix(): path.stat().st_mtime_ns
        for path in gallery.glob("sprites/*/*.jpg")
    }


@pytest.fixture(scope="module")
def linear(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that trains in a moment."""
    out = tmp_path_factory.mktemp("models") / "m"
    words = ["train", str(store), "--bits", "16", "--method", "pca-itq", "--out", str(out)]
    assert command.run(words) == 0
    assert command.run(["encode", "--model", str(out), "--store", str(store)]) == 0
    return out


@pytest.fixture(scope="module")
def built(store: Path, linear: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gallery") / "g"
    words = ["gallery", str(store), "--out", str(out), "--model", str(linear), "--workers", "1"]
    assert command.run(words) == 0
    return out


def test_the_pages_say_what_the_store_holds(built: Path, store: Path) -> None:
    videos = data_of(built, "videos")
    with open_store(store) as opened:
        assert videos["names"] == [os.fsdecode(name) for name in opened.videos.paths]
        assert videos["ids"] == [row.tobytes().hex() for row in opened.videos.ids]
        assert videos["width"] == opened.videos.width.tolist()
        for row, (_, width, height, seconds) in videos["strips"].items():
            assert len(seconds) == 8
            assert width / height == pytest.approx(
                opened.videos.width[int(row)] / opened.videos.height[int(row)], rel=0.03
            )
            stored = opened.sequence_seconds(int(row)).round(2).tolist()
            assert set(seconds) <= set(stored)
    assert len(videos["strips"]) == len(videos["names"])
    assert all((built / "sprites" / strip[0]).exists() for strip in videos["strips"].values())


def test_neighbours_are_those_of_the_codes(built: Path, store: Path, linear: Path) -> None:
    near = data_of(built, "near")
    with open_store(store) as opened:
        count = len(opened.videos)
    assert (near["bits"], near["count"]) == (16, count - 1)
    codes = Codes.load(linear / "codes.npz")
    far = codes.distances(codes)
    for row in range(count):
        part = slice(row * near["count"], (row + 1) * near["count"])
        assert near["distances"][part] == sorted(int(far[row, o]) for o in range(count) if o != row)
        assert near["distances"][part] == [int(far[row, o]) for o in near["rows"][part]]


def test_duplicates_have_aligned_strips_and_reasons(built: Path) -> None:
    found = data_of(built, "duplicates")
    assert found["pairs"]
    for pair in found["pairs"]:
        assert pair["reason"]
        for strip in pair["strips"]:
            assert strip is None or (built / "sprites" / strip[0]).exists()


def test_a_second_run_decodes_nothing(
    built: Path, store: Path, linear: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = strips(built)
    words = ["gallery", str(store), "--out", str(built), "--model", str(linear), "--json", "-q"]
    capsys.readouterr()
    assert command.run(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["videos"], said["removed"]) == (1, 8, 0)
    assert said["page"] == str(built / PAGE)
    assert strips(built) == before


def test_a_restart_makes_all_anew(store: Path, tmp_path: Path) -> None:
    first = build_gallery(store, tmp_path / "g", QUICK)
    before = strips(tmp_path / "g")
    again = build_gallery(store, tmp_path / "g", QUICK, restart=True)
    after = strips(tmp_path / "g")
    assert first == again
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_videos_that_are_gone_are_told(library: Path, tmp_path: Path) -> None:
    out = tmp_path / "feats.h5"
    shutil.copytree(library / "card", tmp_path / "card")
    assert command.run(["extract", str(tmp_path / "card"), "--out", str(out), "--frames", "3"]) == 0
    shutil.rmtree(tmp_path / "card")
    told: list[str] = []
    report = build_gallery(out, tmp_path / "g", QUICK, log=told.append)
    assert report.without == 2
    assert "2 of 2 videos without pictures; the first: the file cannot be opened" in told[-1]
    assert set(data_of(tmp_path / "g", "videos")["missing"]) == {"0", "1"}


def test_names_that_are_no_text_keep_their_bytes(tmp_path: Path) -> None:
    store = write_library(tmp_path / "s.h5", [b"caf\xe9.mp4", b"plain.mp4"], blank=[1])
    build_gallery(store, tmp_path / "g", QUICK)
    videos = data_of(tmp_path / "g", "videos")
    assert videos["names"] == ["caf\\xe9.mp4", "plain.mp4"]
    assert videos["paths"] == {}
    assert videos["pathBytes"] == {"0": b"caf\xe9.mp4".hex()}
    assert videos["blank"] == {"1": "black"}


def test_clips_in_no_film_are_no_places(store: Path, tmp_path: Path) -> None:
    keys = ("path", "start", "end", "query_start", "query_end", "speed", "score")
    nowhere = dict.fromkeys(keys) | {"schema": 1, "query": "clip.mp4"}
    (tmp_path / "f.jsonl").write_text(f"{json.dumps(nowhere)}\n")
    inputs = GalleryInputs(look=False, thumbnails=2, finds=tmp_path / "f.jsonl")
    assert build_gallery(store, tmp_path / "g", inputs).places == 0


def test_decisions_are_shown_as_they_are_in_the_file(store: Path, tmp_path: Path) -> None:
    line = {"schema": 1, "a": "0" * 64, "b": "1" * 64, "decision": "ignore", "path_a": "x"}
    (tmp_path / "d.jsonl").write_text(json.dumps(line) + "\n\n")
    inputs = GalleryInputs(look=False, thumbnails=2, decisions=tmp_path / "d.jsonl")
    build_gallery(store, tmp_path / "g", inputs)
    assert data_of(tmp_path / "g", "decisions") == [line]
    (tmp_path / "d.jsonl").write_text("no json")
    with pytest.raises(UsageError, match="line 1 of"):
        build_gallery(store, tmp_path / "g", inputs)
    assert data_of(tmp_path / "g", "decisions") == [line]  # the earlier pages stay


def test_what_does_not_fit_is_refused(store: Path, make_copies: Path, tmp_path: Path) -> None:
    out = tmp_path / "g"
    with pytest.raises(NotFoundError):
        build_gallery(tmp_path / "gone.h5", out, QUICK)
    other = tmp_path / "other.npz"
    Codes.from_bits([[0, 1]] * 8).save(other)
    with pytest.raises(UsageError, match="are not those of"):
        build_gallery(store, out, GalleryInputs(codes=other, look=False))
    with pytest.raises(NotFoundError):
        build_gallery(store, out, GalleryInputs(model=tmp_path / "gone", look=False))
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(make_copies.read_bytes()[:-2000])
    with pytest.raises(DamageError):
        build_gallery(damaged, out, QUICK)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        build_gallery(store, tmp_path / "file" / "g", QUICK)
    with output_lock(out), pytest.raises(LockedError):
        build_gallery(store, out, QUICK)
    assert not (out / PAGE).exists()


def test_bad_values_are_two_lines(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    for words in (["--out", str(tmp_path / "mine")], ["--map", "globe"], ["--neighbours", "0"]):
        assert command.run(["gallery", str(store), "--no-look", *words]) == 2
        lines = [line for line in capsys.readouterr().err.splitlines() if line]
        assert [line.partition(":")[0] for line in lines[-2:]] == ["error", "hint"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
