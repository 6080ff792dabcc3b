"""SIGINT and SIGTERM at any moment: a quick end, no child left, and the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

from chainpipe.pipeline.store import parts_of
from tests.faults.campaign import Campaign, counts
from tests.faults.conftest import MakeCampaign
from tests.faults.running import Extraction, embedded, left_beside, shards

SECONDS = 5.0


def stop(running: Extraction, signum: signal.Signals, found: Campaign) -> bool:
    """Send the signal; tell whether it was still at work, and note how it ended."""
    children = running.children()
    began = time.monotonic()
    running.process.send_signal(signum)
    code = running.finish()
    if code == 3:  # it was done already
        return False
    took = time.monotonic() - began
    found.most("slowest seconds", took)
    left = [child for child in children if child.is_running()]
    held = code == 128 + signum and took < SECONDS and not left
    found.check(held, f"exit code {code} after {took:.2f} s, children {left}")
    return True


def stop_until_done(videos: Path, out: Path, signum: signal.Signals, found: Campaign) -> None:
    choice = random.Random(found.tried)
    before: dict[str, str] = {}
    seen = []
    while True:
        running = Extraction(videos, out, pause=0.02)
        running.begin()
        time.sleep(choice.random() * 0.2)
        running.wait_for(choice.randint(0, 3))
        if found.tried >= found.wanted or not stop(running, signum, found):
            break
        kept = shards(out) if parts_of(out).exists() else {}
        assert before.items() <= kept.items()  # what is committed stays
        before = kept
        seen.append((set(kept.values()), len(embedded(running.log))))
    assert running.finish() == 3
    log = embedded(running.log)
    assert all(done.isdisjoint(log[at:]) for done, at in seen)  # and is not made again


def check_signals(
    videos: Path, whole: Path, folder: Path, found: Campaign, signum: signal.Signals
) -> None:
    with found:
        while found.tried < found.wanted:
            out = folder / f"{found.tried}" / "feats.h5"
            out.parent.mkdir()
            stop_until_done(videos, out, signum, found)
            assert out.read_bytes() == whole.read_bytes()
            assert left_beside(out) == left_beside(whole)


@counts("SIGINT")
def test_an_interrupt_ends_it_quickly_and_the_next_run_goes_on(
    videos: Path, whole: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_signals(videos, whole, tmp_path, campaign("SIGINT", count), signal.SIGINT)


@counts("SIGTERM")
def test_a_termination_ends_it_quickly_and_the_next_run_goes_on(
    videos: Path, whole: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    check_signals(videos, whole, tmp_path, campaign("SIGTERM", count), signal.SIGTERM)


def test_a_huge_file_that_is_being_hashed_does_not_hold_up_the_end(
    videos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "good.mp4").write_bytes((videos / "00.mp4").read_bytes())
    with open(folder / "huge.mp4", "wb") as file:
        os.truncate(file.fileno(), 1 << 40)
    running = Extraction(folder, tmp_path / "out" / "feats.h5", workers=1)
    running.out.parent.mkdir()
    running.begin()
    running.wait_for(1)
    time.sleep(0.3)
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.finish() == 143
    assert time.monotonic() - began < SECONDS
