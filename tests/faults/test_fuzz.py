"""Mutated files: the parent never crashes, no read hangs, the child's memory has a bound."""

from __future__ import annotations

import random
from pathlib import Path

from chainpipe.pipeline.decode import DecodeLimits, DecodeWorker, FrameRequest
from chainpipe.pipeline.records import Status, VideoError
from tests.faults.campaign import counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.harm import mutate
from tests.faults.watching import watched

KINDS = {
    "a.mp4": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "2"),
    "b.mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    "c.ts": ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    "d.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "e.avi": ("-c:v", "mpeg4",),
    "f.flv": ("-c:v", "flv",),
    "g.gif": (),
}  # fmt: skip
LIMITS = DecodeLimits(cpu_seconds=10.0, silence_seconds=10.0)
SECONDS, MEGABYTES = 12.0, 1500


def attempt(worker: DecodeWorker, file: Path) -> tuple[Status, str]:
    """Read a file; return how it ended, and the words of its error."""
    try:
        return worker.read(file, FrameRequest(frames=8, size=64)).status, ""
    except VideoError as error:
        return error.status, str(error)


@counts("fuzz")
def test_mutated_files_crash_nothing_hang_nothing_and_take_little(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    files = [
        draw(tmp_path / name, *options, "-threads", "1", seconds=1, size="128x96")
        for name, options in KINDS.items()
    ]
    data = {file: file.read_bytes() for file in files}
    choice = random.Random(12)
    with DecodeWorker(LIMITS) as worker, campaign("fuzz", count) as found:
        for number in range(count):
            file = files[number % len(files)]
            file.write_bytes(mutate(data[file], choice))
            with watched() as seen:
                got, words = attempt(worker, file)
            # A decoder may break its child, and the next video gets a new one; our own code may
            # not: a mutated file is never worth an exception that nobody expected.
            broken = words.startswith("unexpected") or "exit code" in words
            held = not broken and seen.seconds <= SECONDS and seen.megabytes <= MEGABYTES
            found.check(held, (number, file.name, got, words, seen))
            found.most("slowest seconds", seen.seconds)
            found.most("peak MB", seen.megabytes)
            found.add(f"ended {got.label}")
