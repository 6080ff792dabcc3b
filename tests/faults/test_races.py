"""Two extracts on one output: one writes, the other says who does."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.faults.campaign import counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.running import Extraction, left_beside, lines, rows


def race(videos: Path, out: Path) -> str:
    """Start two at once; return what went wrong, or nothing."""
    out.parent.mkdir()
    pair = [Extraction(videos, out, pause=0.1, workers=1) for _ in range(2)]
    for running in pair:
        running.begin()
    codes = [running.finish() for running in pair]
    if sorted(codes) != [0, 11]:
        return f"exit codes {codes}"
    winner, loser = sorted(pair, key=lambda running: running.finish())
    holder = f"process {winner.process.pid} on host {socket.gethostname()}"
    if holder not in loser.words:
        return f"`{holder}` is not in `{loser.words}`"
    writers = {line.split()[0] for line in winner.log.read_text().splitlines()}
    if writers != {str(winner.process.pid)} or lines(winner.log) != 3 * 3:
        return f"{writers} embedded {lines(winner.log)} frames"
    return "" if left_beside(out) == ["feats.h5"] else f"left: {left_beside(out)}"


def few_videos(folder: Path) -> Path:
    for number in range(3):
        draw(folder / f"{number}.mp4", hue=100 * number)
    return folder


@counts("races")
def test_of_two_extracts_one_writes_and_the_other_names_it(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    videos = few_videos(tmp_path / "videos")
    with campaign("races", count) as found:
        for number in range(count):
            wrong = race(videos, tmp_path / f"{number}" / "feats.h5")
            found.check(not wrong, wrong)
    assert rows(tmp_path / "0" / "feats.h5").keys() == {b"0.mp4", b"1.mp4", b"2.mp4"}


def test_the_lock_of_a_dead_extract_is_taken_over(tmp_path: Path) -> None:
    videos = few_videos(tmp_path / "videos")
    out = tmp_path / "out" / "feats.h5"
    out.parent.mkdir()
    first = Extraction(videos, out, pause=0.1, workers=1)
    first.begin()
    first.wait_for(1)
    first.process.kill()
    first.process.communicate()
    assert Extraction(videos, out).finish() == 0
    assert left_beside(out) == ["feats.h5"]
