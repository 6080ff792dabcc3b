"""Shards that are missing, altered or one too many between two runs: only they are redone."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from pathlib import Path

from chainpipe.pipeline.store import parts_of
from tests.faults.campaign import counts
from tests.faults.conftest import MakeCampaign
from tests.faults.running import Extraction, embedded, left_beside, shards


def harm(out: Path, kind: str, choice: random.Random) -> set[str]:
    """Do something to one shard; return the features that must be made again."""
    found = shards(out)
    name = choice.choice(sorted(found))
    path = parts_of(out) / name
    if kind == "missing":
        path.unlink()
    elif kind == "altered":
        data = bytearray(path.read_bytes())
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
        path.write_bytes(data)
    elif kind == "swapped":
        other = choice.choice([one for one in sorted(found) if one != name])
        shutil.copy(parts_of(out) / other, path)
    else:
        shutil.copy(path, parts_of(out) / "shard-000777.h5")
        return set()
    return {found[name]}


@counts("shards")
def test_videos_of_a_bad_shard_are_redone_and_no_others(
    videos: Path, whole: Path, tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    half = tmp_path / "half" / "feats.h5"
    half.parent.mkdir()
    running = Extraction(videos, half, pause=0.2)
    running.begin()
    while len(list(parts_of(half).glob("shard-*.h5"))) < 3:
        assert running.process.poll() is None
        time.sleep(0.01)
    running.process.terminate()
    assert running.finish() == 143  # so that all shards that are there are committed
    with campaign("shards", count) as found:
        for number in range(count):
            choice = random.Random(number)
            out = tmp_path / f"{number}" / "feats.h5"
            shutil.copytree(half.parent, out.parent)
            kept = set(shards(out).values())
            kind = ("missing", "extra", "altered", "swapped")[number % 4]
            again = harm(out, kind, choice)
            last = Extraction(videos, out)
            held = last.finish() == 3 and out.read_bytes() == whole.read_bytes()
            made = Counter(embedded(last.log))
            held &= all(made[feature] == (feature in again) for feature in kept)
            found.check(held and left_beside(out) == left_beside(whole), (kind, number))
