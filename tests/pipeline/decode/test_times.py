"""Times that are wrong in places, packed B-frames, and few frames that stay long."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from chainpipe.pipeline.decode.demux.clock import mended
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

NO_B = (*X264, "-bf", "0", "-g", "20")
DIVX = b"\0\0\1\xb2DivX503b1393p"  # what tells a decoder that B-frames are packed
VOP = b"\0\0\1\xb6"


def retimed(source: Path, path: Path, times: dict[int, int]) -> Path:
    """Copy a stream with other times, in ms by the packet's number, into Matroska."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(p for p in given.demux(video=0) if p.size):
            usual = round(float(packet.pts * packet.time_base) * 1000)
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            # A muxer wants rising decoding times, which are not written.
            packet.pts, packet.dts = times.get(number, usual), number
            made.mux(packet)
    return path


def test_of_two_equal_times_only_one_is_mended(tmp_path, make_clip) -> None:
    truth = np.where(np.arange(50) < 20, np.arange(50) * 10, 200 + (np.arange(50) - 20) / 25)
    told = {number: round(1000 * time) for number, time in enumerate(truth.tolist())}
    told[30] = told[29]
    whole = make_clip(tmp_path / "whole.mp4", *NO_B, seconds=5, rate="10")
    path = retimed(whole, tmp_path / "same.mkv", told)
    times = [frame.time for frame in all_frames(path)]
    assert times[29] == times[30]
    found = read_video(path, REQUEST, LIMITS)
    assert (found.info.frames, found.status) == (50, Status.OK)
    assert found.seconds == pytest.approx(truth[found.index], abs=0.002)
    assert found.info.duration == pytest.approx(201.2, abs=0.05)
    assert found.note == "times mended: 1"


@pytest.mark.parametrize("wrong", [{30: 1380}, {30: 1460, 31: 1460}, {30: 1100}, {12: 1900}])
def test_only_times_that_fall_are_mended(tmp_path, make_clip, wrong: dict[int, int]) -> None:
    whole = make_clip(tmp_path / "whole.mp4", *NO_B, seconds=3, rate="20")
    path = retimed(whole, tmp_path / "wrong.mkv", wrong)
    frames = all_frames(whole)
    found = read_video(path, REQUEST, LIMITS)
    assert (found.info.frames, found.status) == (60, Status.OK)
    assert np.array_equal(found.pixels, np.stack([by_hand(frames[n]) for n in found.index]))
    assert found.seconds == pytest.approx(found.index / 20, abs=0.06)
    far = ~np.isin(found.index, [n + m for n in wrong for m in (-1, 0, 1)])
    assert found.seconds[far] == pytest.approx(found.index[far] / 20, abs=0.002)
    assert found.info.duration == pytest.approx(3, abs=0.06)


def plain_longest(times: list[float]) -> int:
    """Return the length of the longest run of times that never fall, each compared with each."""
    longest: list[int] = []
    for place, time in enumerate(times):
        before = [longest[k] for k in range(place) if times[k] <= time]
        longest.append(1 + max(before, default=0))
    return max(longest)


def test_as_few_times_are_mended_as_can_be() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        times = np.arange(60) * 0.04
        places = rng.choice(60, 2, replace=False)
        times[places] += rng.normal(size=2)
        found = mended(times)
        assert found is not None
        assert (np.diff(found) > 0).all()
        kept = int(np.isclose(found, times).sum())
        assert kept >= plain_longest(times.tolist())


def test_times_that_are_right_stay_and_none_are_made_up() -> None:
    times = np.sort(np.random.default_rng(0).random(50))
    assert np.array_equal(mended(times), times)
    assert mended(np.zeros(9)) is None
    assert mended(np.full(9, np.nan)) is None
    assert mended(np.empty(0)) is None
    swapped = times.reshape(-1, 2)[:, ::-1].ravel()
    assert np.array_equal(mended(swapped), times)
    some = np.arange(9.0)
    some[[0, 4, 8]] = np.nan
    assert mended(some).tolist() == list(range(9))


def packed(source: Path, path: Path) -> Path:
    """Copy MPEG-4 so that each B-frame lies in the packet before it, as DivX and XviD wrote it."""
    with av.open(str(source)) as given, av.open(str(path), "w") as made:
        packets = [p for p in given.demux(video=0) if p.size]
        stream = made.add_stream_from_template(given.streams.video[0])
        header = given.streams.video[0].codec_context.extradata
        data = [bytes(packet) for packet in packets]
        types = [unit[unit.index(VOP) + 4] >> 6 for unit in data]  # 2 is a B-frame
        for place, kind in enumerate(types):
            if kind == 2:
                data[place - 1] += data[place]
                # In its place a P-frame, of which nothing is coded (4 bits of time at 10 Hz).
                data[place] = VOP + bytes([0x51, 0x9F])
        for number, unit in enumerate(data):
            again = av.Packet((header + DIVX if number == 0 else b"") + unit)
            again.stream, again.is_keyframe = stream, packets[number].is_keyframe
            again.time_base = packets[number].time_base
            again.pts = again.dts = number
            made.mux(again)
    return path


@pytest.fixture(scope="module")
def packed_avi(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    words = ("-c:v", "mpeg4", "-bf", "1", "-b_strategy", "0", "-g", "20", "-q:v", "3")
    return packed(make_clip(folder / "plain.avi", *words, seconds=4), folder / "packed.avi")


@pytest.mark.parametrize("name", ["packed.avi", "packed.mp4", "packed.mkv"])
def test_packed_frames_equal_those_of_decoding_everything(packed_avi, tmp_path, name) -> None:
    path = packed_avi
    if name != path.name:
        path = convert(path, tmp_path / name, "-c", "copy", before=("-fflags", "+genpts"))
    frames = all_frames(path)
    found = read_video(path, REQUEST, LIMITS)
    assert found.info.frames == len(frames) == frames_by_ffmpeg(path)
    assert (found.status, found.reader) == (Status.OK, Reader.LINEAR)
    assert np.array_equal(found.pixels, np.stack([by_hand(frames[n]) for n in found.index]))
    assert found.seconds == pytest.approx(found.index / 10, abs=0.002)
    assert found.info.duration == pytest.approx(len(frames) / 10, abs=0.002)


@pytest.mark.parametrize("name", ["h264.mkv", "h264.mp4"])
def test_frames_copied_out_of_an_avi_with_its_times_are_right(tmp_path, make_clip, name) -> None:
    words = (*X264, "-bf", "3", "-g", "20")
    avi = make_clip(tmp_path / "h264.avi", *words, seconds=4)
    path = convert(avi, tmp_path / name, "-c", "copy", before=("-fflags", "+genpts"))
    frames = all_frames(path)
    found = read_video(path, REQUEST, LIMITS)
    assert (found.info.frames, found.status) == (len(frames), Status.OK)
    assert np.array_equal(found.pixels, np.stack([by_hand(frames[n]) for n in found.index]))
    assert found.seconds == pytest.approx(found.index / 10, abs=0.002)


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize(("frames", "rate"), [(1, 1), (3, 25), (8, 1), (8, 2)])
@pytest.mark.parametrize("name", ["a.flv", "h264.flv", "a.wmv", "a.mkv"])
def test_few_frames_are_short(tmp_path, make_clip, name, frames, rate, sound) -> None:
    codec = {"a.flv": ("-c:v", "flv"), "a.wmv": ("-c:v", "wmv2")}
    words = codec.get(name, X264)
    if sound:
        words = ("-f", "lavfi", "-i", f"sine=duration={frames / rate}", "-c:a", "mp3", *words)
    path = make_clip(tmp_path / name, *words, seconds=frames / rate, rate=str(rate))
    found = read_video(path, REQUEST, LIMITS)
    assert (found.info.frames, found.status) == (frames, Status.SHORT)
    if frames > 1:
        assert found.info.duration == pytest.approx(frames / rate, abs=0.01)


@pytest.mark.parametrize("rate", ["1", "10"])
def test_a_cut_off_flv_is_partial_still(tmp_path, make_clip, rate: str) -> None:
    path = make_clip(tmp_path / "cut.flv", "-c:v", "flv", seconds=40, rate=rate)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = read_video(path, REQUEST, LIMITS)
    assert found.status is Status.PARTIAL
    assert "are there" in found.note


def test_the_ffmpeg_reader_mends_times_too(tmp_path, make_clip) -> None:
    whole = make_clip(tmp_path / "whole.mp4", *NO_B, seconds=3, rate="20")
    path = retimed(whole, tmp_path / "wrong.mkv", {30: 1450, 31: 1450})
    found = read_video(path, replace(REQUEST, reader="ffmpeg"), LIMITS)
    assert found.info.frames == 60
    assert found.seconds == pytest.approx(found.index / 20, abs=0.06)
