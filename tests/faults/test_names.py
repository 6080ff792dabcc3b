"""Odd names, links and things that are no files: the right row, or the right class of failure."""

from __future__ import annotations

import csv
import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chainpipe import command
from chainpipe.pipeline.console import restored
from chainpipe.pipeline.extraction.report import failures_path
from chainpipe.pipeline.records import Status
from tests.faults.campaign import counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import contents, run, statuses
from tests.faults.running import ROOT

NAMES = [
    b"-rf.mp4", b"--out.mp4", b"new\nline.mp4", b"carriage\rreturn\ttab.mp4", b"\x1b[31mred.mp4",
    b"quote\"'.mp4", b"comma,semi;colon.mp4", b"back\\slash.mp4",
    b"<img src=x onerror=alert(1)>&lt;.mp4", b"%d.mp4", b"%03d.mp4", b"concat:a|b.mp4",
    b"http:%2f%2f127.0.0.1%2fx.mp4", b"pipe:0.mp4", b"file:x.mp4", b"data:,x.mp4",
    b"x" * 251 + b".mp4", b"not utf-8 \xff\xfe.mp4", "\u202etfel-ot-thgir.mp4".encode(),
    "\u00e9.mp4".encode(), "e\u0301.mp4".encode(), b" spaces  .mp4", b"dots...mp4",
    b"$(touch x)`id`.mp4", b"[0-9]*?.mp4",
]  # fmt: skip
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP = 1, 2, 24


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder of good clips with odd names, each another clip, and a bad file of each name."""
    folder = tmp_path / "odd"
    (folder / "bad").mkdir(parents=True)
    clip = draw(tmp_path / "clip.mp4").read_bytes()
    for number, name in enumerate(NAMES):
        path = os.path.join(os.fsencode(folder), name)
        Path(os.fsdecode(path)).write_bytes(clip + bytes(number))  # other bytes, same frames
        Path(os.fsdecode(os.path.join(os.fsencode(folder), b"bad", name))).write_text("no video")
    return folder


def plant_links(folder: Path) -> dict[bytes, Status]:
    """Add what is no plain file; return what must become of each."""
    outside = folder.parent / "outside.mp4"
    draw(outside, hue=200)
    draw(folder / "inside.mp4", hue=100)
    (folder / "link-in.mp4").symlink_to("inside.mp4")
    (folder / "link-out.mp4").symlink_to(outside)
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "dangling.mp4").symlink_to("nothing.mp4")
    (folder / "device.mp4").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.mp4")
    server = socket.socket(socket.AF_UNIX)
    here = os.open(folder, os.O_RDONLY)  # a socket's whole path must be short
    server.bind(f"/proc/self/fd/{here}/socket.mp4")
    server.close()
    os.close(here)
    return {
        b"inside.mp4": Status.OK, b"link-in.mp4": Status.OK, b"link-out.mp4": Status.REFUSED,
        b"loop.mp4": Status.REFUSED, b"dangling.mp4": Status.UNREADABLE,
        b"device.mp4": Status.REFUSED, b"pipe.mp4": Status.REFUSED, b"socket.mp4": Status.REFUSED,
    }  # fmt: skip


@counts("names")
def test_odd_names_have_their_rows_and_things_that_are_no_files_their_class(
    odd: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    right = dict.fromkeys(NAMES, Status.OK) | plant_links(odd)
    right |= {b"bad/" + name: Status.CORRUPT for name in NAMES}
    ended = statuses(odd, tmp_path / "feats.h5")
    with campaign("names", count) as found:
        for name, status in right.items():
            found.check(ended.get(name) is status, f"{name!r} is {ended.get(name)}")
    assert ended.keys() == right.keys()


def test_lists_of_failures_give_back_every_byte(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "feats.h5"
    run(odd, out)
    bad = {b"bad/" + name for name in NAMES}
    with failures_path(out).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert {os.fsencode(row["path"]) for row in csv.DictReader(file)} == bad
    assert command.run(["info", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {os.fsencode(restored(video)["path"]) for video in told["failed"]} == bad
    assert contents(out).keys() == set(NAMES)


def test_a_table_for_people_has_no_control_characters(
    odd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(odd, tmp_path / "feats.h5")
    assert command.run(["info", str(tmp_path / "feats.h5")]) == 0
    shown = capsys.readouterr().out
    assert not set(shown) & {"\x1b", "\r", "\t", "\u202e", "\ufffd"}


def test_links_out_of_the_folder_are_read_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    draw(folder / "a.mp4")
    draw(tmp_path / "elsewhere" / "b.mp4", hue=90)
    (folder / "b.mp4").symlink_to(tmp_path / "elsewhere" / "b.mp4")
    (folder / "all").symlink_to(tmp_path / "elsewhere")
    ended = statuses(folder, tmp_path / "feats.h5", follow_symlinks=True)
    assert ended == dict.fromkeys((b"a.mp4", b"b.mp4", b"all/b.mp4"), Status.OK)


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "videos" / "open" / "a.mp4")
    locked = tmp_path / "videos" / "locked"
    locked.mkdir(mode=0o000)
    words = ["extract", str(tmp_path / "videos"), "--out", str(tmp_path / "feats.h5")]
    done = subprocess.run(
        [sys.executable, "-m", "chainpipe", *words], cwd=ROOT, capture_output=True, text=True,
        check=False, preexec_fn=_give_up_reading_all,
    )  # fmt: skip
    locked.chmod(0o700)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert f"cannot read folder `{locked}`: Permission denied" in said


def _give_up_reading_all() -> None:
    """Root may read every folder; a program that it starts then may not."""
    for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, power, 0, 0, 0)


def test_a_file_that_may_not_be_read_is_unreadable_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    draw(folder / "a.mp4")
    shutil.copy(folder / "a.mp4", folder / "gone.mp4")
    (folder / "gone.mp4").unlink()
    (folder / "gone.mp4").symlink_to("a-later.mp4")
    assert statuses(folder, tmp_path / "f.h5")[b"gone.mp4"] is Status.UNREADABLE
    draw(folder / "a-later.mp4", hue=60)
    assert statuses(folder, tmp_path / "f.h5")[b"gone.mp4"] is Status.OK
