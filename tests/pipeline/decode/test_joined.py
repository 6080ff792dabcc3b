"""Broadcasts joined from parts: every frame in file order, one rising clock, a note of it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.decode.demux import scan
from chainpipe.pipeline.decode.demux.clock import continued, restarts
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Reader, Status
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import (
    LIMITS,
    REQUEST,
    X264,
    all_frames,
    by_hand,
    convert,
    frames_by_ffmpeg,
)

MPEG2 = ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-b:v", "400k")
HEVC = ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=20")
H264 = (*X264, "-g", "20", "-bf", "2")
# Name: codec, what the second part's clock is ahead by, whether the clock is told to start anew.
JOINED = {
    "restart.ts": (H264, 0.0, True),
    "hevc.ts": (HEVC, 0.0, True),
    "mpeg2.ts": (MPEG2, 0.0, True),
    "program.mpg": (MPEG2, 0.0, True),
    "jump.ts": (H264, 1000.0, True),
    "counters.ts": (H264, 2.1, False),
    "pause.ts": (H264, 7.0, False),
}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> dict[str, list[Path]]:
    """Two parts of 40 and 30 frames for each kind."""
    folder = tmp_path_factory.mktemp("parts")
    made = {}
    for name, (codec, ahead, _) in JOINED.items():
        suffix = Path(name).suffix
        first, second = (folder / f"{Path(name).stem}{number}{suffix}" for number in (1, 2))
        make_clip(first, *codec, seconds=2, rate="20")
        look = ("-vf", "negate", "-output_ts_offset", str(ahead))
        make_clip(second, *codec, *look, seconds=1.5, rate="20")
        made[name] = [first, second]
    return made


def join(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("keep", [scan.KEEP, 0])
@pytest.mark.parametrize("name", JOINED)
def test_all_parts_are_read_in_file_order(parts, tmp_path, monkeypatch, name, keep) -> None:
    monkeypatch.setattr(scan, "KEEP", keep)
    path = join(tmp_path / name, *parts[name])
    frames = all_frames(path)
    for reader in ("auto", "linear"):
        found = read_video(path, replace(REQUEST, reader=reader), LIMITS)
        assert found.info.frames == len(frames) == frames_by_ffmpeg(path) == 70
        assert found.status is Status.OK
        expected = [by_hand(frames[n]) for n in found.index]
        assert np.array_equal(found.pixels, np.stack(expected))
        assert (np.diff(found.seconds) > 0).all()
        assert ("clock starts anew" in found.note) is JOINED[name][2]
        if JOINED[name][2]:
            assert found.seconds == pytest.approx(found.index / 20, abs=0.001)
            assert found.info.duration == pytest.approx(3.5, abs=0.06)


@pytest.mark.parametrize("name", ["restart.ts", "jump.ts", "program.mpg"])
def test_the_ffmpeg_reader_reads_them_alike(parts, tmp_path, name: str) -> None:
    path = join(tmp_path / name, *parts[name])
    found = read_video(path, REQUEST, LIMITS)
    by_program = read_video(path, replace(REQUEST, reader="ffmpeg"), LIMITS)
    assert (by_program.info.frames, by_program.status) == (70, Status.OK)
    assert by_program.index.tolist() == found.index.tolist()
    assert by_program.seconds == pytest.approx(found.seconds, abs=0.06)
    frames = pictures_by_ffmpeg(path, 64, 48)
    assert np.array_equal(by_program.pixels, np.stack([frames[n] for n in found.index]))


def pictures_by_ffmpeg(path: Path, width: int, height: int) -> list[np.ndarray]:
    """Decode everything by the program, as the request's pixels."""
    raw = ("-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    command = [ffmpeg_program(), "-v", "quiet", "-i", str(path), *raw]
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
    return [by_hand(av.VideoFrame.from_ndarray(frame, format="rgb24")) for frame in frames]


def test_many_parts_and_other_sizes_are_whole(parts, tmp_path, make_clip) -> None:
    large = make_clip(tmp_path / "l.ts", *H264, seconds=1, rate="20", size="192x144")
    path = join(tmp_path / "many.ts", *parts["restart.ts"], large, *parts["restart.ts"])
    frames = all_frames(path)
    found = read_video(path, REQUEST, LIMITS)
    assert (found.info.frames, len(frames), found.status) == (160, 160, Status.OK)
    assert np.array_equal(found.pixels, np.stack([by_hand(frames[n]) for n in found.index]))
    assert "at 4 places" in found.note
    by_program = read_video(path, replace(REQUEST, reader="ffmpeg", frames=8), LIMITS)
    assert by_program.index.tolist() == [10, 30, 50, 70, 90, 110, 130, 150]
    assert len({picture.tobytes() for picture in by_program.pixels}) == 8


def test_a_part_that_lacks_its_end_is_partial(parts, tmp_path, make_clip) -> None:
    noise = ("-vf", "noise=alls=20:allf=t", "-qp", "20")
    data = make_clip(tmp_path / "p.ts", *H264, *noise, seconds=2, size="192x144").read_bytes()
    (tmp_path / "cut.ts").write_bytes(data[: len(data) * 2 // 3 // 188 * 188])
    path = join(tmp_path / "joined.ts", tmp_path / "cut.ts", parts["restart.ts"][1])
    found = read_video(path, replace(REQUEST, frames=3), LIMITS)  # far from the end of the part
    assert found.status is Status.PARTIAL
    assert found.info.frames == frames_by_ffmpeg(path)


def test_a_part_that_ends_between_frames_is_whole(parts, tmp_path) -> None:
    first, second = parts["restart.ts"]
    packets = [first.read_bytes()[at : at + 188] for at in range(0, first.stat().st_size, 188)]
    begins = [n for n, packet in enumerate(packets) if packet[1] & 0x5F == 0x41]  # of the video
    for last in begins[20:24]:
        (tmp_path / "cut.ts").write_bytes(b"".join(packets[:last]))
        path = join(tmp_path / "joined.ts", tmp_path / "cut.ts", second)
        found = read_video(path, REQUEST, LIMITS)
        assert (found.info.frames, found.status) == (frames_by_ffmpeg(path), Status.OK)


def test_lost_packets_of_a_broadcast_are_partial_still(tmp_path, make_clip) -> None:
    path = make_clip(tmp_path / "lost.ts", *H264, seconds=4, rate="20")
    data = path.read_bytes()
    middle = len(data) // 376 * 188
    path.write_bytes(data[:middle] + data[middle + 188 * 4 :])
    assert read_video(path, REQUEST, LIMITS).status is Status.PARTIAL


@pytest.mark.parametrize("codec", [H264, HEVC])
def test_a_pause_is_no_damage(tmp_path, make_clip, codec: tuple[str, ...]) -> None:
    pause = ("-vf", "setpts=PTS+gte(N\\,30)*3", "-fps_mode", "passthrough")  # three frames long
    path = make_clip(tmp_path / "pause.ts", *codec, *pause, seconds=3, rate="20")
    for reader in ("auto", "linear"):
        found = read_video(path, replace(REQUEST, reader=reader), LIMITS)
        assert (found.info.frames, found.status) == (60, Status.OK)
        assert found.seconds == pytest.approx(
            (found.index + 3 * (found.index >= 30)) / 20, abs=0.01
        )


def test_sound_beside_joined_parts_changes_nothing(tmp_path, clip) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=2", "-c:a", "mp2", "-shortest")
    part = convert(clip, tmp_path / "part.ts", *sound, *H264)
    found = read_video(join(tmp_path / "joined.ts", part, part, part), REQUEST, LIMITS)
    assert (found.info.frames, found.status, found.reader) == (60, Status.OK, Reader.EXACT)


def plain_restarts(dts: list[int]) -> list[int]:
    """Return where both of two times lie before both of the two before them."""
    return [
        place
        for place in range(2, len(dts) - 1)
        if max(dts[place : place + 2]) < min(dts[place - 2 : place])
    ]


def test_restarts_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        parts = [np.arange(n) * 40 for n in rng.integers(4, 20, rng.integers(1, 5))]
        dts = np.concatenate(parts)
        if rng.random() < 0.5:
            dts[rng.integers(1, len(dts) - 1)] += int(rng.integers(-100, 100))
        start = np.ones(len(dts), bool)
        found = set(restarts(dts, start, 0.001, jumps=False).tolist())
        assert set(plain_restarts(dts.tolist())) <= found
        whole = continued(dts.astype(float), restarts(dts, start, 0.001, jumps=False))
        assert len(whole) == len(dts)


def test_one_wrong_time_is_no_restart() -> None:
    start = np.ones(50, bool)
    for wrong in (-5000, 5000, 900_000):
        dts = np.arange(50) * 40
        dts[20] += wrong
        assert len(restarts(dts, start, 0.001, jumps=True)) == 0


def test_a_small_step_back_needs_a_place_where_decoding_can_start() -> None:
    dts = np.array([0, 40, 80, 120, 160, 40, 80, 120, 160, 200])
    nowhere, anywhere = np.zeros(10, bool), np.ones(10, bool)
    assert len(restarts(dts, nowhere, 0.001, jumps=False)) == 0
    assert restarts(dts, anywhere, 0.001, jumps=False).tolist() == [5]
    assert restarts(dts, nowhere, 0.1, jumps=False).tolist() == [5]  # ticks are longer


def test_slides_that_stay_long_are_no_jump() -> None:
    dts = np.cumsum([0, 20, 30, 20, 60, 20, 20])
    assert len(restarts(dts, np.ones(7, bool), 1.0, jumps=True)) == 0
    assert len(restarts(np.array([], np.int64), np.array([], bool), 1.0, jumps=True)) == 0
