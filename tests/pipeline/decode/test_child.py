"""A decode child gives the same frames, survives its videos and dies with its parent."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeLimits, DecodeWorker
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Reader, Status, VideoError
from tests.pipeline.decode.decode_samples import LIMITS, REQUEST, X264


def test_a_child_gives_the_same_frames(clip) -> None:
    here = read_video(clip, REQUEST, LIMITS)
    with DecodeWorker() as worker:
        there = worker.read(clip, REQUEST)
        assert np.array_equal(here.pixels, there.pixels)
        assert np.array_equal(here.seconds, there.seconds)
        assert np.array_equal(here.index, there.index)
        assert (there.info, there.status, there.reader) == (here.info, here.status, Reader.EXACT)
        assert worker.cpu_seconds > 0


def test_candidates_and_sizes_travel_once_and_come_out_alike(clip) -> None:
    request = replace(REQUEST, frames=4, per_segment=3)
    here = read_video(clip, request, LIMITS)
    with DecodeWorker() as worker:
        there, small = worker.read_sizes(clip, request, (64, 32))
    assert np.array_equal(here.candidates.pixels, there.candidates.pixels)
    assert np.array_equal(here.candidates.index, there.candidates.index)
    assert np.array_equal(here.candidates.seconds, there.candidates.seconds)
    assert small.candidates.pixels.shape == (4, 3, 32, 32, 3)


def test_an_error_tells_what_read_the_file_and_its_words(tmp_path, clip) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(clip.read_bytes()[:1500])
    with DecodeWorker() as worker, pytest.raises(VideoError) as caught:
        worker.read(broken, REQUEST)
    assert "libavcodec" in caught.value.command
    assert "moov atom not found" in caught.value.stderr
    with DecodeWorker() as worker, pytest.raises(VideoError) as caught:
        worker.read(broken, replace(REQUEST, reader="ffmpeg"))
    assert "-protocol_whitelist file" in caught.value.command
    assert "moov atom not found" in caught.value.stderr


def test_a_worker_goes_on_after_bad_videos_and_odd_names(clip, tmp_path) -> None:
    odd = tmp_path / os.fsdecode(b"-new\nline %03d \xff.mp4")
    odd.write_bytes(clip.read_bytes())
    with DecodeWorker() as worker:
        for data in (b"", b"this is not a video\n" * 50):
            (tmp_path / "bad.mp4").write_bytes(data)
            with pytest.raises(VideoError):
                worker.read(tmp_path / "bad.mp4", REQUEST)
        for reader in ("auto", "ffmpeg"):
            assert worker.read(odd, replace(REQUEST, reader=reader)).status is Status.SHORT
        with pytest.raises(VideoError) as caught:
            worker.read(tmp_path / "missing.mp4", REQUEST)
        assert caught.value.status is Status.UNREADABLE


def test_an_exception_that_nobody_expected_fails_one_video_and_keeps_the_child(clip) -> None:
    with DecodeWorker() as worker:
        worker.read(clip, REQUEST)
        child = worker._child.pid
        with pytest.raises(VideoError, match="unexpected ValueError: no sampling") as caught:
            worker.read(clip, replace(REQUEST, sampling="none such"))
        assert caught.value.status is Status.CRASHED
        assert "frame_selection.py" in caught.value.stderr
        assert worker.read(clip, REQUEST).pixels.shape[0] == 25
        assert worker._child.pid == child


def test_a_codec_that_nobody_knows_is_corrupt(clip, tmp_path) -> None:
    strange = tmp_path / "strange.mp4"
    strange.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(VideoError, match="no decoder") as caught:
        read_video(strange, REQUEST, LIMITS)
    assert caught.value.status is Status.CORRUPT


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


FACTS = {"cpu": 0.0, "status": 0, "clips": []}
CLIP = {"status": 0, "message": "", "reader": 0, "info": {}, "distinct": 1 << 40}


@pytest.mark.parametrize(
    "answer",
    [
        "no JSON", "[]", "{}", "[" * 60_000, "x" * 70_000, json.dumps(FACTS | {"status": 99}),
        json.dumps(FACTS), json.dumps(FACTS | {"clips": [CLIP]}),
        json.dumps(FACTS | {"status": 3, "clips": 7}),
    ],
)  # fmt: skip
def test_a_child_that_talks_nonsense_is_a_crash_and_is_ended(clip, answer: str) -> None:
    program = f"input(); print({answer!r}, flush=True); input()"
    with DecodeWorker() as worker:
        worker._child = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True, bufsize=0,
        )  # fmt: skip
        with pytest.raises(VideoError, match="unexpected answer") as caught:
            worker.read(clip, REQUEST)
        assert caught.value.status is Status.CRASHED
        assert worker._child is None


def test_too_little_memory_is_a_limit(tmp_path, make_clip) -> None:
    large = make_clip(tmp_path / "l.mp4", *X264, seconds=0.3, size="7680x4096")
    with (
        DecodeWorker(DecodeLimits(memory=420 << 20)) as worker,
        pytest.raises(VideoError) as caught,
    ):
        worker.read(large, REQUEST)
    assert caught.value.status in (Status.LIMIT, Status.CRASHED)


@pytest.mark.parametrize(
    ("which", "most"), [(resource.RLIMIT_AS, 3 << 30), (resource.RLIMIT_CPU, 100)]
)
def test_lower_limits_of_the_surroundings_hold_too(clip, which: int, most: int) -> None:
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from chainpipe.pipeline.decode import DecodeWorker, FrameRequest\n"
        "which, most = int(sys.argv[2]), int(sys.argv[3])\n"
        "resource.setrlimit(which, (most, most))\n"
        "with DecodeWorker() as w:\n"
        "    w.read(Path(sys.argv[1]), FrameRequest(frames=2))\n"
        "    print(resource.prlimit(w._child.pid, which)[0] <= most)\n"
    )
    command = [sys.executable, "-c", program, clip, str(int(which)), str(most)]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout == b"True\n"


def test_hardware_whose_driver_crashes_is_done_without(clip, tmp_path, monkeypatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nkill -ABRT $$\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with DecodeWorker() as worker:
        assert worker.read(clip, replace(REQUEST, hwaccel="cuda")).reader is Reader.EXACT
        with pytest.raises(VideoError, match="SIGABRT") as caught:
            worker.read(clip, replace(REQUEST, hwaccel="cuda", reader="ffmpeg"))
        assert caught.value.status is Status.CRASHED


def test_children_die_with_a_killed_parent(clip) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from chainpipe.pipeline.decode import DecodeWorker, FrameRequest\n"
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


def test_a_program_of_ours_that_is_missing_is_not_the_videos_fault(
    clip, tmp_path, monkeypatch
) -> None:
    fake = tmp_path / "bin" / "ffmpeg"
    fake.parent.mkdir()
    fake.write_text("#!/no/such/interpreter\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    with DecodeWorker() as worker, pytest.raises(VideoError, match="unexpected File") as caught:
        worker.read(clip, replace(REQUEST, reader="ffmpeg"))
    assert caught.value.status is Status.CRASHED
    assert "ffmpeg_process.py" in caught.value.stderr


def test_a_library_that_does_not_load_is_told_with_its_traceback(
    clip, tmp_path, monkeypatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['av'] = None\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with DecodeWorker() as worker:
        for _ in range(2):
            with pytest.raises(VideoError, match="unexpected ModuleNotFoundError") as caught:
                worker.read(clip, REQUEST)
            assert caught.value.status is Status.CRASHED
            assert "import av" in caught.value.stderr


def test_a_child_without_the_kernels_help_ends_after_its_parent(tmp_path) -> None:
    program = (
        "import subprocess, sys\n"
        "code = 'import os; from chainpipe.pipeline.decode.sandbox.child import poll_parent; '\n"
        "code += 'p = os.getppid(); print(os.getpid(), flush=True); poll_parent(p)'\n"
        "subprocess.Popen([sys.executable, '-c', code])\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
