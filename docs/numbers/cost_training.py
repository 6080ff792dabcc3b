"""Costs of training that grow with its videos: moments, first neighbours, curves at the end."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cost_library import write
from measure import measured, run_command, spread

from chainpipe.hashing.monitoring.history import draw_curves

FCVID = {"videos": 45_585, "frames": 25, "dim": 4096}
SCENES = {"num_clusters": 3, "edges_per_scene": 15, "damping": 0.97}
WALK = """
import json, resource, sys, time
import numpy as np, torch
from chainpipe.hashing.data.disk_array import write_disk_array
from chainpipe.hashing.mining import random_walk, scene_graph
from chainpipe.hashing.mining.scene_walk import scene_walk_neighbours

torch.set_num_threads(1)
videos, whole, options = int(sys.argv[1]), sys.argv[2] == "whole", json.loads(sys.argv[3])
if whole:  # all pairs of scenes, and walks over the whole graph
    random_walk.ROOM = scene_graph.EXACT = 1 << 40

def parts():
    chance = torch.Generator().manual_seed(0)
    looks = torch.randn(6 * max(1, videos // 40), 256, generator=chance)
    for start in range(0, videos, 500):
        count = min(500, videos - start)
        kinds = torch.arange(start, start + count) % max(1, videos // 40)
        which = 6 * kinds[:, None] + torch.randint(8, (count, 5), generator=chance)
        frames = looks[which % len(looks)].repeat_interleave(5, dim=1)
        yield (frames + 2 * torch.randn(frames.shape, generator=chance)).numpy()

frames = write_disk_array(parts(), videos, folder=None)
before = int(open("/proc/self/statm").read().split()[1]) * 4096
start = time.process_time()
table = scene_walk_neighbours(
    frames, 15, generator=torch.Generator().manual_seed(1), **options
)
spent = time.process_time() - start
peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
np.save(sys.argv[4], table.numpy())
kinds = np.arange(videos) % max(1, videos // 40)
right = float((kinds[table.numpy()] == kinds[:, None]).mean())
print(json.dumps([spent, max(0, peak - before) / 1e6, right]))
"""


def walk(videos: int, *, rival: bool) -> dict[str, Any]:
    """Measure the search of first neighbours, with the defaults, frames on disk.

    Args:
        videos: N; each shows looks of one of N / 40 kinds.
        rival: Whether to search in all pairs and in the whole graph, too.
    """
    tables, found = {}, {}
    with tempfile.TemporaryDirectory() as name:
        for how in ("ours", "whole") if rival else ("ours",):
            table = Path(name) / f"{how}.npy"
            words = [sys.executable, "-c", WALK, str(videos), how, json.dumps(SCENES), str(table)]
            ended = run_command(words, folder=Path(name))
            if ended.code:
                raise RuntimeError(ended.stderr)
            cpu, peak, right = json.loads(ended.stdout)
            tables[how] = np.load(table)
            found[how] = {
                "CPU seconds": round(cpu, 2), "MB beyond the frames": round(peak),
                "of the same kind": round(right, 4),
            }  # fmt: skip
    lines = zip(tables["ours"], tables.get("whole", tables["ours"]), strict=True)
    shared = float(np.mean([len(set(a) & set(b)) / len(a) for a, b in lines]))
    more = {"whole": found["whole"], "the same neighbours": round(shared, 4)} if rival else {}
    return {"videos": videos, **found["ours"], **more}


def moments(videos: int, *, frames: int, dim: int) -> dict[str, Any]:
    """Measure all of a training but its epochs, as a command, on a made store."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        write(folder / "f.h5", videos, frames=frames, dim=dim)
        words = [sys.executable, "-m", "chainpipe", "train", str(folder / "f.h5"), "--bits", "64"]
        ended = run_command(
            [*words, "--out", str(folder / "m"), "--set", "optim.epochs=0"], folder=folder
        )
    if ended.code:
        raise RuntimeError(ended.stderr)
    return {
        "videos": videos, "frames": frames, "dim": dim, "CPU seconds": round(ended.cpu, 1),
        "peak MB": round(max(ended.peak_bytes, ended.largest_bytes) / 1e6),
    }  # fmt: skip


def for_fcvid(few: dict[str, Any], many: dict[str, Any]) -> float:
    """Return the CPU seconds of FCVID's videos, on the line through two measured sizes."""
    a_video = (many["CPU seconds"] - few["CPU seconds"]) / (many["videos"] - few["videos"])
    more = FCVID["videos"] - many["videos"]
    return float(round(many["CPU seconds"] + a_video * more, 1))


def curves(epochs: int, repeats: int) -> dict[str, Any]:
    """Measure the plot at the end of a training with 17 metrics."""
    rng = np.random.default_rng(0)
    history = [
        {"epoch": float(epoch), **{f"metric {i}": float(rng.random()) for i in range(17)}}
        for epoch in range(epochs)
    ]
    spent = []
    for _ in range(repeats):
        with measured() as one:
            draw_curves(history, title="drawn")
        spent.append(one.cpu)
    return {"epochs": epochs, "CPU seconds": spread(spent)}
