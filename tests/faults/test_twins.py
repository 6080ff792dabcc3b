"""Copies and moves: bytes are decoded once, whatever their names are and become."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from tests.faults.campaign import counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.extracting import alone, contents, run

CONTENTS = 4


def shuffle(videos: Path, clips: list[Path], choice: random.Random) -> None:
    """Copy, move and remove files, each as often as the others."""
    for _ in range(6):
        files = sorted(path for path in videos.rglob("*.mp4"))
        name = videos / choice.choice("xyz") / f"{choice.randrange(50)}.mp4"
        name.parent.mkdir(parents=True, exist_ok=True)
        what = choice.randrange(3)
        if what == 0 or len(files) < 2:
            shutil.copy(choice.choice(clips), name)
        elif what == 1:
            choice.choice(files).replace(name)
        else:
            choice.choice(files).unlink()


@counts("twins")
def test_after_any_copies_and_moves_each_name_has_its_bytes_features(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    clips = [draw(tmp_path / f"{n}.mp4", hue=80 * n) for n in range(CONTENTS)]
    each = [alone(clip, tmp_path / f"alone{n}") for n, clip in enumerate(clips)]
    by_bytes = {clip.read_bytes(): one for clip, one in zip(clips, each, strict=True)}
    videos, out = tmp_path / "videos", tmp_path / "feats.h5"
    choice, seen = random.Random(7), set[bytes]()
    with campaign("twins", count) as found:
        for number in range(count):
            kept = contents(out) if number else {}
            seen = {one for one, _ in kept.values()}  # contents that need no decoding
            shuffle(videos, clips, choice)
            there = {bytes(p.relative_to(videos)): p.read_bytes() for p in videos.rglob("*.mp4")}
            report = run(videos, out)
            now = contents(out)
            right = all(now[path] == by_bytes[data] for path, data in there.items())
            fresh = {by_bytes[data][0] for data in there.values()} - seen  # type: ignore[index]
            held = right and report.decoded == len(fresh)
            found.check(held, (number, right, report.decoded, len(fresh)))
            found.add("decoded", report.decoded)
            found.add("copied", report.copied)
