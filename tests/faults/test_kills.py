"""Kill -9 at any moment: nothing is lost, doubled or left behind."""

from __future__ import annotations

import itertools
import random
import signal
import time
from pathlib import Path

import psutil

from chainpipe.pipeline.store import parts_of
from tests.faults.campaign import counts
from tests.faults.conftest import MakeCampaign
from tests.faults.running import Extraction, embedded, left_beside, rows, shards

PAUSE = 0.02


def wait_somewhere(running: Extraction, choice: random.Random) -> None:
    """Let it run for a while: mostly until a few videos are done, at times from the start."""
    if choice.random() < 0.7:
        running.wait_for(choice.randint(1, 3))
        time.sleep(choice.random() * 0.05)
    else:
        time.sleep(choice.random() * 0.8)


def kill(running: Extraction, choice: random.Random) -> bool:
    """Kill it, at times its children first; tell whether it was still at work."""
    children = running.children()
    victims = [psutil.Process(running.process.pid)] if running.process.poll() is None else []
    if choice.random() < 0.5:
        victims = [*children, *victims]
    for victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    running.process.communicate()
    # A child that is still importing sees that its parent is gone when it has started.
    _, left = psutil.wait_procs(children, timeout=60)
    assert [child for child in left if lives(child)] == []
    return running.process.returncode == -signal.SIGKILL


def lives(child: psutil.Process) -> bool:
    """Tell whether a process still runs; its new parent may take a while to bury a dead one."""
    try:
        return child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@counts("kills")
def test_kills_at_random_moments_lose_and_double_nothing(
    videos: Path, whole: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    choice = random.Random(1)
    with campaign("kills", count) as found:
        kills, runs = 0, itertools.count()  # a run may end before it is killed
        while kills < count:
            out = tmp_path / f"{next(runs)}" / "feats.h5"
            out.parent.mkdir()
            seen: list[tuple[dict[str, str], int]] = []  # shards, and length of the log, at a kill
            while True:
                running = Extraction(videos, out, pause=PAUSE)
                running.begin()
                wait_somewhere(running, choice)
                if kills + len(seen) >= count or not kill(running, choice):
                    break
                midway = parts_of(out).exists() and not out.exists()
                found.add("midway", midway)
                seen.append((shards(out), len(embedded(running.log))))
            assert running.finish() == 3
            same = out.read_bytes() == whole.read_bytes()
            clean = left_beside(out) == left_beside(whole)
            log = embedded(running.log)
            for committed, at in seen:
                redone = sum(feature in log[at:] for feature in committed.values())
                found.most("shards redone a kill, at most", redone)
                found.check(same and clean and redone <= 1, (out, same, clean, redone))
            kills += len(seen)
    assert count < 100 or found.figures["midway"] >= count / 2


@counts("lost-children")
def test_a_killed_child_costs_its_video_one_attempt(
    videos: Path, whole: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    choice = random.Random(2)
    with campaign("lost-children", count) as found:
        for number in range(count):
            out = tmp_path / f"{number}" / "feats.h5"
            out.parent.mkdir()
            running = Extraction(videos, out, pause=PAUSE)
            running.begin()
            running.wait_for(choice.randint(1, 4))
            for child in running.children()[:1]:
                child.kill()
            first = running.finish()
            again = Extraction(videos, out).finish()
            found.check((first, again) == (3, 3) and rows(out) == rows(whole), (number, first))
