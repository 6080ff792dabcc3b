"""Every reader gives the frames that decoding everything gives, and says how it ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.decode import DecodeLimits, DecodeWorker, FrameRequest, ffmpeg_program
from pipeline.decode.ladder import read_video
from pipeline.decode.pixels import Resizer, square
from pipeline.records import Reader, Status, VideoError

LIMITS = DecodeLimits()
REQUEST = FrameRequest(frames=25, size=64)
BY_PROGRAM = FrameRequest(frames=25, size=64, reader="ffmpeg")
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
FILES = {
    "b-frames.mp4": (*X264, "-g", "250", "-bf", "3"),
    "short-gops.mp4": (*X264, "-g", "12", "-bf", "2"),
    "open-gops.mkv": (*X264, "-g", "24", "-bf", "3", "-x264-params", "open-gop=1"),
    "intra.mov": ("-c:v", "mjpeg", "-q:v", "3"),
    "fragmented.mp4": (*X264, "-g", "30", "-movflags", "frag_keyframe+empty_moov"),
    "offset.mkv": (*X264, "-g", "30", "-output_ts_offset", "3.3"),
    "vfr.mkv": (*X264, "-g", "30", "-vf", "select='not(mod(n,7))+lt(n,40)'", "-fps_mode", "vfr"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=40"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", "40", "-deadline", "realtime"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-g", "30", "-bf", "2"),
    "stream.ts": (*X264, "-g", "25"),
    "raw.h264": (*X264, "-g", "25"),
    "moving.gif": (),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory, make_clip) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    return {
        name: make_clip(folder / name, *options, seconds=6, size="96x64", rate="20")
        for name, options in FILES.items()
    }


def all_frames(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        return list(container.decode(video=0))


def by_hand(frame: av.VideoFrame) -> np.ndarray:
    return square(frame, size=64, fit="crop", aspect=None, resizer=Resizer())


@pytest.mark.parametrize("name", FILES)
def test_frames_equal_those_of_decoding_everything(files, name: str) -> None:
    found = read_video(files[name], REQUEST, LIMITS)
    frames = all_frames(files[name])
    middles = [(2 * i + 1) * len(frames) // 50 for i in range(25)]
    assert found.index.tolist() == middles
    assert found.info.frames == len(frames)
    expected = [
        square(frames[n], size=64, fit="crop", aspect=None, resizer=Resizer()) for n in middles
    ]
    assert np.array_equal(found.pixels, np.stack(expected))
    assert found.status is Status.OK


def test_most_containers_are_read_without_decoding_everything(files) -> None:
    linear = {name for name in FILES if read_video(files[name], REQUEST, LIMITS).reader}
    # Open groups' first packets refer to what was jumped over; AVI has no times for B-frames.
    assert linear <= {"stream.ts", "raw.h264", "moving.gif", "open-gops.mkv", "mpeg4.avi"}


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
    whole = make_clip(tmp_path / "whole.mp4", *X264, "-g", "100", seconds=6, rate="20")
    cut = tmp_path / "cut.mp4"
    command = [ffmpeg_program(), "-v", "error", "-ss", "1.52", "-i", whole, "-c", "copy", cut]
    subprocess.run(command, check=True)
    found = read_video(cut, REQUEST, LIMITS)
    frames = all_frames(cut)
    assert found.info.frames == len(frames)
    expected = square(
        frames[int(found.index[0])], size=64, fit="crop", aspect=None, resizer=Resizer()
    )
    assert np.array_equal(found.pixels[0], expected)


def test_fewer_frames_than_asked_repeat_and_are_short(tmp_path, make_clip) -> None:
    found = read_video(make_clip(tmp_path / "7.mp4", seconds=0.7), REQUEST, LIMITS)
    assert found.status is Status.SHORT
    assert sorted(set(found.index.tolist())) == list(range(7))


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotated_files_are_shown_upright_as_ffmpeg_shows_them(clip, tmp_path, angle) -> None:
    turned = tmp_path / "turned.mp4"
    command = [ffmpeg_program(), "-v", "error", "-display_rotation", str(angle), "-i", clip]
    subprocess.run([*command, "-c", "copy", turned], check=True)
    found = read_video(turned, REQUEST, LIMITS)
    expected = read_video(turned, BY_PROGRAM, LIMITS)
    assert found.index.tolist() == expected.index.tolist()
    assert np.abs(found.pixels.astype(int) - expected.pixels).mean() < 4
    assert (found.info.width < found.info.height) == (angle != 180)


def test_wide_pixels_are_made_square(tmp_path, make_clip) -> None:
    wide = make_clip(tmp_path / "wide.mp4", *X264, "-vf", "setsar=2")
    assert read_video(wide, REQUEST, LIMITS).info.width == 128


@pytest.mark.parametrize(("fit", "black"), [("crop", False), ("squash", False), ("pad", True)])
def test_fit_decides_about_the_edges(tmp_path, make_clip, fit: str, black: bool) -> None:
    tall = make_clip(tmp_path / "a.mp4", *X264, "-vf", "negate,eq=brightness=0.4", size="48x96")
    request = FrameRequest(frames=3, size=32, fit=fit)
    pixels = read_video(tall, request, LIMITS).pixels
    assert pixels.shape == (3, 32, 32, 3)
    assert (pixels[:, :, 0].max() < 20) == black


def test_the_ffmpeg_reader_agrees_with_the_exact_one(files) -> None:
    path = files["b-frames.mp4"]
    found = read_video(path, REQUEST, LIMITS)
    expected = read_video(path, BY_PROGRAM, LIMITS)
    assert expected.reader is Reader.FFMPEG
    assert (expected.info, expected.status) == (found.info, found.status)
    assert np.array_equal(expected.index, found.index)
    assert np.allclose(expected.seconds, found.seconds)
    assert np.abs(expected.pixels.astype(int) - found.pixels).mean() < 4


def broken_file(folder: Path, clip: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is not a video\n" * 50)
        case "truncated":
            path.write_bytes(clip.read_bytes()[:-900])
        case "audio":
            sound = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"]
            subprocess.run([ffmpeg_program(), "-v", "error", *sound, path], check=True)
        case "playlist":
            path.write_text(f"#EXTM3U\n#EXTINF:1,\n{clip}\n")
        case "concat":
            path.write_text(f"ffconcat version 1.0\nfile '{clip}'\n")
    return path


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("empty", {Status.CORRUPT}),
        ("text", {Status.CORRUPT, Status.REFUSED}),
        ("truncated", {Status.CORRUPT}),
        ("audio", {Status.NO_VIDEO}),
        ("playlist", {Status.REFUSED, Status.CORRUPT}),
        ("concat", {Status.REFUSED, Status.CORRUPT}),
    ],
)
def test_bad_files_are_classed(tmp_path, clip, kind, statuses) -> None:
    with pytest.raises(VideoError) as caught:
        read_video(broken_file(tmp_path, clip, kind), REQUEST, LIMITS)
    assert caught.value.status in statuses


def test_a_file_cut_off_after_its_header_is_partial(tmp_path, make_clip) -> None:
    whole = make_clip(
        tmp_path / "w.mp4", *X264, "-movflags", "faststart", seconds=6, size="320x240"
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    found = read_video(cut, REQUEST, LIMITS)
    assert found.status is Status.PARTIAL
    assert found.note
    assert found.pixels.shape[0] == 25


def test_damage_in_the_middle_is_never_ok(tmp_path, make_clip) -> None:
    whole = make_clip(tmp_path / "w.mp4", *X264, "-g", "30", seconds=6, size="320x240")
    data = bytearray(whole.read_bytes())
    rng = np.random.default_rng(0)
    middle = len(data) // 3
    data[middle : middle + 8000] = rng.bytes(8000)
    whole.write_bytes(data)
    assert read_video(whole, REQUEST, LIMITS).status is Status.PARTIAL


def test_too_many_pixels_are_refused(clip) -> None:
    with pytest.raises(VideoError, match="64x48 is more than 100 pixels") as caught:
        read_video(clip, REQUEST, DecodeLimits(pixels=100))
    assert caught.value.status is Status.LIMIT


def test_a_child_gives_the_same_frames(clip) -> None:
    here = read_video(clip, REQUEST, LIMITS)
    with DecodeWorker() as worker:
        there = worker.read(clip, REQUEST)
        assert np.array_equal(here.pixels, there.pixels)
        assert np.array_equal(here.seconds, there.seconds)
        assert np.array_equal(here.index, there.index)
        assert (there.info, there.status, there.reader) == (here.info, here.status, Reader.EXACT)
        assert worker.cpu_seconds > 0


def test_a_worker_goes_on_after_bad_videos_and_odd_names(clip, tmp_path) -> None:
    odd = tmp_path / os.fsdecode(b"-new\nline %03d \xff.mp4")
    odd.write_bytes(clip.read_bytes())
    with DecodeWorker() as worker:
        for kind in ("empty", "text", "audio"):
            with pytest.raises(VideoError):
                worker.read(broken_file(tmp_path, clip, kind), REQUEST)
        assert worker.read(odd, REQUEST).status is Status.SHORT
        with pytest.raises(VideoError) as caught:
            worker.read(tmp_path / "missing.mp4", REQUEST)
        assert caught.value.status is Status.UNREADABLE


def test_a_killed_child_is_a_crash_and_is_replaced(clip) -> None:
    with DecodeWorker() as worker:
        worker.read(clip, REQUEST)
        os.kill(worker._child.pid, signal.SIGKILL)
        worker._child.wait()
        assert worker.read(clip, REQUEST).pixels.shape[0] == 25
        os.kill(worker._child.pid, signal.SIGSTOP)
        worker.limits = DecodeLimits(silence_seconds=0.5)
        with pytest.raises(VideoError) as caught:
            worker.read(clip, REQUEST)
        assert caught.value.status is Status.TIMEOUT
        worker.limits = DecodeLimits()
        assert worker.read(clip, REQUEST).pixels.shape[0] == 25


def test_too_little_memory_is_a_limit(tmp_path, make_clip) -> None:
    large = make_clip(tmp_path / "l.mp4", *X264, seconds=0.3, size="7680x4096")
    with (
        DecodeWorker(DecodeLimits(memory=420 << 20)) as worker,
        pytest.raises(VideoError) as caught,
    ):
        worker.read(large, REQUEST)
    assert caught.value.status in (Status.LIMIT, Status.CRASHED)


def test_children_die_with_a_killed_parent(clip) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from pipeline.decode import DecodeWorker, FrameRequest\n"
        "w = DecodeWorker(); w.read(Path(sys.argv[1]), FrameRequest(frames=2))\n"
        "print(w._child.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, clip], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(50):
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child outlived its parent")


def test_a_folder_named_pipeline_in_the_users_folder_is_not_imported(
    clip, tmp_path, monkeypatch
) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    with DecodeWorker() as worker:
        assert worker.read(clip, REQUEST).pixels.shape[0] == 25


def test_a_cut_off_webm_is_partial(files, tmp_path) -> None:
    cut = tmp_path / "cut.webm"
    whole = files["vp9.webm"].read_bytes()
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    assert read_video(cut, REQUEST, LIMITS).status is Status.PARTIAL
