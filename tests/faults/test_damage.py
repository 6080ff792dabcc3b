"""A damaged middle is never silently `ok`: what is delivered as sound equals the clean file's."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.records import Frames, Status
from tests.faults.campaign import Campaign, counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import statuses
from tests.faults.harm import SECTOR, damage
from tests.faults.watching import read, status_of

X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "20", "-bf", "2", "-threads", "1")
X265 = ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=20:pools=1:frame-threads=1")
FAST = ("-movflags", "faststart")
FILES = {
    "h264-mp4": ("clean.mp4", *X264, *FAST),
    "h264-mkv": ("clean.mkv", *X264),
    "h264-ts": ("clean.ts", *X264),
    "hevc-mp4": ("clean.mp4", *X265, *FAST),
    "vp9-webm": ("clean.webm", "-c:v", "libvpx-vp9", "-g", "20", "-deadline", "realtime"),
    "mpeg4-avi": ("clean.avi", "-c:v", "mpeg4", "-g", "20", "-q:v", "4"),
}
REQUEST = FrameRequest(frames=12, size=64)


def make(folder: Path, kind: str) -> Path:
    """Draw three seconds of a busy picture."""
    name, *options = FILES[kind]
    return draw(folder / name, *options, seconds=3, size="320x240", rate=20)


def is_silent(found: Frames | Status, clean: Frames) -> bool:
    """Tell whether frames that are called sound are not those of the clean file."""
    if not isinstance(found, Frames) or found.status is Status.PARTIAL:
        return False
    same = np.array_equal(found.index, clean.index) and np.array_equal(found.pixels, clean.pixels)
    return not same


def check_damage(
    kind: str, folder: Path, found: Campaign, *, unit: int = SECTOR, seed: int = 10
) -> None:  # fmt: skip
    file = make(folder, kind)
    data = file.read_bytes()
    choice = random.Random(seed)
    with DecodeWorker() as worker, found:
        clean = worker.read(file, REQUEST)
        assert clean.status is Status.OK
        for number in range(found.wanted):
            how, harmed = damage(data, choice, unit=unit)
            file.write_bytes(harmed)
            got = read(worker, file, REQUEST)
            found.check(not is_silent(got, clean), f"{number}: {how}, {got}")
            found.add(f"ended {status_of(got).label}")


@counts("damage-h264-mp4")
def test_damaged_h264_in_mp4_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("h264-mp4", tmp_path, campaign("damage-h264-mp4", count))


@counts("damage-h264-mkv")
def test_damaged_h264_in_matroska_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("h264-mkv", tmp_path, campaign("damage-h264-mkv", count))


@counts("damage-h264-ts")
def test_damaged_h264_in_a_transport_stream_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("h264-ts", tmp_path, campaign("damage-h264-ts", count))


@counts("damage-hevc-mp4")
def test_damaged_hevc_in_mp4_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("hevc-mp4", tmp_path, campaign("damage-hevc-mp4", count))


@counts("damage-vp9-webm")
def test_damaged_vp9_in_webm_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("vp9-webm", tmp_path, campaign("damage-vp9-webm", count))


@counts("damage-mpeg4-avi")
def test_damaged_mpeg4_in_avi_is_never_silently_ok(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_damage("mpeg4-avi", tmp_path, campaign("damage-mpeg4-avi", count))


@counts("damage-bytes")
def test_most_damage_of_a_few_bytes_is_noticed_too(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    """Not all of it can be: no codec here has checksums, so that wrong bits may be right ones."""
    check_damage("h264-mp4", tmp_path, campaign("damage-bytes", count), unit=8)


@pytest.fixture
def half_noise(tmp_path: Path) -> Path:
    """A folder with a sound clip, and one whose middle third is noise."""
    folder = tmp_path / "videos"
    draw(folder / "sound.mp4")
    file = make(folder, "h264-mp4")
    data = bytearray(file.read_bytes())
    third = len(data) // 3
    data[third : 2 * third] = random.Random(11).randbytes(third)
    file.write_bytes(data)
    return folder


def test_a_damaged_middle_is_partial_and_strict_refuses_it(
    half_noise: Path, tmp_path: Path
) -> None:
    assert statuses(half_noise, tmp_path / "f.h5")[b"clean.mp4"] is Status.PARTIAL
    ended = statuses(half_noise, tmp_path / "g.h5", strict=True)
    assert ended == {b"clean.mp4": Status.PARTIAL, b"sound.mp4": Status.OK}
