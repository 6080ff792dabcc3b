"""Files that are no videos, or hardly: each is classed rightly and the run goes on."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

from chainpipe.pipeline.records import Status
from tests.faults.campaign import counts
from tests.faults.clips import draw, ffmpeg
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import statuses

CARD = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=10")
SOUND = ("-f", "lavfi", "-i", "sine=duration=1")


def make_twelve(folder: Path, good: Path) -> dict[bytes, set[Status]]:
    """Make twelve kinds; return the statuses that are right for each."""
    whole = good.read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) // 2])  # its index was at the end
    (folder / "noise.mp4").write_bytes(random.Random(8).randbytes(20_000))
    (folder / "text.mp4").write_text("It was a dark and stormy night.\n" * 200)
    ffmpeg(*CARD, "-frames:v", 0, folder / "no-frames.mkv")
    ffmpeg(*SOUND, folder / "sound.mp4")
    cover = folder / "cover.png"
    ffmpeg(*CARD, "-frames:v", 1, cover)
    attach = ("-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v:0", "attached_pic")
    ffmpeg(*SOUND, "-i", cover, *attach, folder / "cover.mp4")
    draw(folder / "one-frame.mp4", seconds=0.1)
    cover.replace(folder / "still.mp4")
    ffmpeg(*CARD, "-frames:v", 1, folder / "still.gif")
    (folder / "words.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    ffmpeg("-i", folder / "words.srt", folder / "words.mkv")
    with zipfile.ZipFile(folder / "archive.mp4", "w") as archive:
        archive.write(good, "good.mp4")
    return {
        b"empty.mp4": {Status.CORRUPT},
        b"truncated.mp4": {Status.CORRUPT},
        b"noise.mp4": {Status.CORRUPT},
        b"text.mp4": {Status.CORRUPT},
        b"no-frames.mkv": {Status.NO_VIDEO, Status.CORRUPT},
        b"sound.mp4": {Status.NO_VIDEO},
        b"cover.mp4": {Status.NO_VIDEO},
        b"one-frame.mp4": {Status.SHORT},
        b"still.mp4": {Status.REFUSED, Status.CORRUPT},  # a picture is no accepted container
        b"still.gif": {Status.SHORT},
        b"words.mkv": {Status.NO_VIDEO},
        b"archive.mp4": {Status.CORRUPT},
    }


@counts("no-videos")
def test_twelve_kinds_of_files_that_are_no_videos_are_classed(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    good = draw(tmp_path / "videos" / "good.mp4")
    right = make_twelve(tmp_path / "videos", good)
    ended = statuses(tmp_path / "videos", tmp_path / "feats.h5")
    with campaign("no-videos", count) as found:
        for name, statuses_ in right.items():
            found.check(ended[name] in statuses_, f"{name!r} is {ended[name].label}")
    assert ended.keys() == {b"good.mp4", *right}
    assert ended[b"good.mp4"] is Status.OK
