"""Every reader gives the frames that decoding everything gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.augment import Augmentation
from chainpipe.pipeline.decode import FrameRequest
from chainpipe.pipeline.decode.demux import scan
from chainpipe.pipeline.decode.frame_sampling import uniform_indices
from chainpipe.pipeline.decode.readers.fallback import read_sizes, read_video
from chainpipe.pipeline.records import Reader, Status, VideoError
from tests.pipeline.decode.decode_samples import (
    BY_PROGRAM,
    FILES,
    LIMITS,
    REQUEST,
    X264,
    all_frames,
    by_hand,
    convert,
)


@pytest.fixture(scope="module")
def files(tmp_path_factory, make_clip) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {
        name: make_clip(folder / name, *options, seconds=6, size="96x64", rate="20")
        for name, options in FILES.items()
    }


@pytest.mark.parametrize("name", FILES)
def test_frames_equal_those_of_decoding_everything(files, name: str) -> None:
    found = read_video(files[name], REQUEST, LIMITS)
    frames = all_frames(files[name])
    middles = [(2 * i + 1) * len(frames) // 50 for i in range(25)]
    assert found.index.tolist() == middles
    assert found.info.frames == len(frames)
    expected = [by_hand(frames[n]) for n in middles]
    assert np.array_equal(found.pixels, np.stack(expected))
    assert found.status is Status.OK


@pytest.mark.parametrize("name", FILES)
def test_the_linear_reader_gives_the_same(files, name: str) -> None:
    found = read_video(files[name], REQUEST, LIMITS)
    linear = read_video(files[name], replace(REQUEST, reader="linear"), LIMITS)
    assert linear.reader is Reader.LINEAR
    assert linear.status is Status.OK
    assert np.array_equal(linear.index, found.index)
    assert np.array_equal(linear.pixels, found.pixels)


@pytest.mark.parametrize("name", FILES)
def test_packets_of_a_stream_too_large_to_keep_are_read_again(files, monkeypatch, name) -> None:
    kept = read_video(files[name], REQUEST, LIMITS)
    monkeypatch.setattr(scan, "KEEP", 0)
    found = read_video(files[name], REQUEST, LIMITS)
    assert found.reader is kept.reader
    assert np.array_equal(found.index, kept.index)
    assert np.array_equal(found.pixels, kept.pixels)


def test_a_stream_that_begins_late_is_read_again_from_its_beginning(
    tmp_path, make_clip, monkeypatch
) -> None:
    late = make_clip(tmp_path / "late.flv", "-c:v", "flv", "-output_ts_offset", "0.5", seconds=2)
    monkeypatch.setattr(scan, "KEEP", 0)
    assert read_video(late, REQUEST, LIMITS).reader is Reader.EXACT


def test_nearly_all_files_are_read_without_decoding_everything(files) -> None:
    linear = {name for name in FILES if read_video(files[name], REQUEST, LIMITS).reader}
    # Raw streams carry no times; two fields of an interlaced broadcast may be two packets.
    assert linear <= {"raw.h264", "interlaced.ts", "h264.avi"}


def test_seconds_count_from_the_first_shown_frame(files) -> None:
    found = read_video(files["offset.mkv"], REQUEST, LIMITS)
    assert found.seconds == pytest.approx(found.index / 20, abs=0.002)
    assert found.info.duration == pytest.approx(6, abs=0.1)


def test_sampling_by_time_differs_where_the_frame_rate_varies(files) -> None:
    by_time = FrameRequest(frames=25, size=64, by="time")
    found = read_video(files["vfr.mkv"], by_time, LIMITS)
    asked = (np.arange(25) + 0.5) * found.info.duration / 25
    assert np.abs(found.seconds - asked).max() < 0.36
    assert found.index.tolist() != read_video(files["vfr.mkv"], REQUEST, LIMITS).index.tolist()


def test_hidden_frames_of_an_edit_list_are_not_shown(tmp_path, make_clip) -> None:
    for name, more in {"closed": (), "open": ("-x264-params", "open-gop=1")}.items():
        whole = make_clip(tmp_path / f"{name}.mp4", *X264, "-g", "40", *more, seconds=6, rate="20")
        cut = convert(whole, tmp_path / f"{name}-cut.mp4", "-c", "copy", before=("-ss", "1.52"))
        found, frames = read_video(cut, REQUEST, LIMITS), all_frames(cut)
        assert (found.info.frames, found.status) == (len(frames), Status.OK)
        assert found.index.tolist() == uniform_indices(len(frames), 25).tolist()
        expected = [by_hand(frames[n]) for n in found.index]
        assert np.array_equal(found.pixels, np.stack(expected))


@pytest.mark.parametrize("name", ["stream.ts", "hevc.ts", "mpeg2.ts"])
def test_a_broadcast_that_begins_amid_a_group_is_whole(files, tmp_path, name: str) -> None:
    cut = tmp_path / name
    data = files[name].read_bytes()
    cut.write_bytes(data[len(data) // 20 // 188 * 188 :])
    found = read_video(cut, REQUEST, LIMITS)
    whole = all_frames(files[name])
    lost = len(whole) - found.info.frames
    assert 0 < lost < 60
    expected = [by_hand(whole[lost + n]) for n in found.index]
    assert np.array_equal(found.pixels, np.stack(expected))


def test_fewer_frames_than_asked_repeat_and_are_short(tmp_path, make_clip) -> None:
    found = read_video(make_clip(tmp_path / "7.mp4", seconds=0.7), REQUEST, LIMITS)
    assert found.status is Status.SHORT
    assert sorted(set(found.index.tolist())) == list(range(7))


@pytest.mark.parametrize(("fit", "black"), [("crop", False), ("squash", False), ("pad", True)])
def test_fit_decides_about_the_edges(tmp_path, make_clip, fit: str, black: bool) -> None:
    tall = make_clip(tmp_path / "a.mp4", *X264, "-vf", "negate,eq=brightness=0.4", size="48x96")
    request = FrameRequest(frames=3, size=32, fit=fit)
    pixels = read_video(tall, request, LIMITS).pixels
    assert pixels.shape == (3, 32, 32, 3)
    assert (pixels[:, :, 0].max() < 20) == black


@pytest.mark.parametrize(
    "name", ["b-frames.mp4", "vfr.mkv", "stream.ts", "raw.h264", "moving.gif", "offset.mkv"]
)
def test_the_ffmpeg_reader_agrees_with_the_built_in_ones(files, name: str) -> None:
    path = files[name]
    found = read_video(path, REQUEST, LIMITS)
    expected = read_video(path, BY_PROGRAM, LIMITS)
    assert expected.reader is Reader.FFMPEG
    assert (expected.info, expected.status) == (found.info, found.status)
    assert np.array_equal(expected.index, found.index)
    assert np.allclose(expected.seconds, found.seconds)
    assert np.abs(expected.pixels.astype(int) - found.pixels).mean() < 4


@pytest.mark.parametrize("sampling", ["segment", "random", "consecutive"])
@pytest.mark.parametrize("by", ["index", "time"])
def test_drawn_frames_are_the_right_ones(files, sampling: str, by: str) -> None:
    request = replace(REQUEST, sampling=sampling, by=by, seed=7)
    found = read_video(files["b-frames.mp4"], request, LIMITS)
    frames = all_frames(files["b-frames.mp4"])
    expected = [by_hand(frames[n]) for n in found.index]
    assert np.array_equal(found.pixels, np.stack(expected))
    again = read_video(files["b-frames.mp4"], request, LIMITS)
    other = read_video(files["b-frames.mp4"], replace(request, seed=8), LIMITS)
    assert found.index.tolist() == again.index.tolist() != other.index.tolist()


@pytest.mark.parametrize("name", ["short-gops.mp4", "hevc.mp4", "vp9.webm", "stream.ts"])
@pytest.mark.parametrize("by", ["index", "time"])
def test_key_frames_are_the_nearest_and_tell_their_own_times(files, name: str, by: str) -> None:
    request = replace(REQUEST, sampling="keyframe", by=by)
    found = read_video(files[name], request, LIMITS)
    frames = all_frames(files[name])
    keys = np.array([n for n, frame in enumerate(frames) if frame.key_frame])
    middles = uniform_indices(len(frames), 25)
    assert found.reader is Reader.KEYFRAME
    assert set(found.index.tolist()) <= set(keys.tolist())
    distance = np.abs(found.index - middles)
    assert (distance - np.abs(keys[None] - middles[:, None]).min(axis=1)).max() <= 1
    assert found.seconds == pytest.approx(found.index / 20, abs=0.002)
    expected = [by_hand(frames[n]) for n in found.index]
    assert np.array_equal(found.pixels, np.stack(expected))


def test_candidates_are_the_middles_of_each_segments_runs(files) -> None:
    for name in ("b-frames.mp4", "raw.h264"):
        frames = all_frames(files[name])
        found = read_video(files[name], replace(REQUEST, frames=8, per_segment=3), LIMITS)
        assert found.candidates.index.tolist() == (
            uniform_indices(len(frames), 24).reshape(8, 3).tolist()
        )
        assert found.index.tolist() == uniform_indices(len(frames), 8).tolist()
        expected = [[by_hand(frames[n]) for n in row] for row in found.candidates.index]
        assert np.array_equal(found.candidates.pixels, np.array(expected))
        assert found.candidates.seconds == pytest.approx(found.candidates.index / 20, abs=0.002)


def test_several_sizes_come_of_one_decoding(files) -> None:
    sizes = (64, 32, 64)
    several = read_sizes(files["b-frames.mp4"], REQUEST, sizes, LIMITS)
    for frames, size in zip(several, sizes, strict=True):
        alone = read_video(files["b-frames.mp4"], replace(REQUEST, size=size), LIMITS)
        assert np.array_equal(frames.pixels, alone.pixels)


def test_views_show_the_clip_and_follow_their_seed(files) -> None:
    line = Augmentation().line()
    request = replace(REQUEST, frames=4, views=2, augmentation=line, seed=3)
    found = read_video(files["b-frames.mp4"], request, LIMITS)
    again = read_video(files["b-frames.mp4"], request, LIMITS)
    assert found.views.shape == (2, 4, 64, 64, 3)
    assert np.array_equal(found.views, again.views)
    assert not np.array_equal(found.views[0], found.views[1])


def test_a_reader_that_cannot_do_a_file_says_so(files) -> None:
    with pytest.raises(VideoError, match="exact reader cannot read this file") as caught:
        read_video(files["raw.h264"], replace(REQUEST, reader="exact"), LIMITS)
    assert caught.value.status is Status.CORRUPT
    assert "libavcodec" in caught.value.command


def test_hardware_that_is_not_there_is_done_without(files) -> None:
    found = read_video(files["b-frames.mp4"], replace(REQUEST, hwaccel="nonsense"), LIMITS)
    assert np.array_equal(found.pixels, read_video(files["b-frames.mp4"], REQUEST, LIMITS).pixels)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reader": "magic"}, "no reader is called magic"),
        ({"sampling": "best"}, "no sampling is called best"),
        ({"by": "mood"}, "must be index or time, got mood"),
    ],
)
def test_wrong_wishes_are_refused(clip: Path, wrong: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_video(clip, FrameRequest(frames=2, **wrong), LIMITS)
