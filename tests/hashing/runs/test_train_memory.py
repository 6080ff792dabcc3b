"""Training on a store of four times the memory that the system gives: it fits, or it is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.records import (
    Fingerprint,
    Reader,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

MB = 10**6
LIMIT = 70 * MB  # about 20 more than it takes: a thread's stack counts, 8 MB each

CHILD = """
import re, resource, sys
from pathlib import Path
from chainpipe.hashing.config.overrides import apply, parse_assignments
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.pipeline.store import open_store

small, large, method, memory, limit, own = sys.argv[1:7]
config = apply(METHODS[method].config, parse_assignments(sys.argv[7:])) if sys.argv[7:] else None

def run(store, memory):
    out = Path(store).with_suffix(f".{method}-model")
    options = TrainOptions(
        method=method, bits=16, config=config, out=out, device="cpu", memory=memory, restart=True
    )
    with open_store(Path(store)) as opened:
        train(opened, options)

if small != "-":
    run(small, 10**9)  # loads every library that training needs
used = re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
most = int(limit) + (0 if own == "all" else 1024 * int(used))
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
run(large, int(memory))
"""
FEW = ["input.dims=16", "encoder.hidden_dim=32", "encoder.feed_forward_dim=32",
       "optim.batch_size=32",
       "optim.epochs=2", "neighbours.k=3", "neighbours.update_every=1", "contrastive.weight=1",
       "scene.weight=0.1"]  # fmt: skip


def random_store(path: Path, *, videos: int, frames: int, dim: int) -> Path:
    """Write a store of noise, a video at a time."""
    rng = np.random.default_rng(0)
    info = VideoInfo(float(frames), 1.0, 64, 48, frames)
    rows = (
        VideoFeatures(
            path=b"%d" % number,
            video_id=number.to_bytes(32, "little"),
            features=rng.standard_normal((frames, dim), np.float32).astype(np.float16),
            seconds=np.arange(float(frames)),
            index=np.arange(frames),
            info=info,
            status=Status.OK,
            reader=Reader.EXACT,
            size=1,
            mtime_ns=1,
        )
        for number in range(videos)
    )
    meta = StoreMeta(Fingerprint("cnn", "00", dim, "fit=crop"), frames)
    write_store(path, root=b"/v", meta=meta, rows=rows, count=videos, label_names=[])
    return path


def trained(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHILD, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small store, and one of 287 MB."""
    folder = tmp_path_factory.mktemp("stores")
    return (
        random_store(folder / "small.h5", videos=100, frames=16, dim=512),
        random_store(folder / "large.h5", videos=17_500, frames=16, dim=512),
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what is used")
def test_a_store_of_four_times_the_memory_is_trained_on(stores: tuple[Path, Path]) -> None:
    small, large = stores
    assert large.stat().st_size > 4 * LIMIT
    done = trained(small, large, "chain", 8 * MB, LIMIT, "more", *FEW)
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_limit_is_hard(stores: tuple[Path, Path]) -> None:
    small, large = stores
    done = trained(small, large, "chain", 10_000 * MB, LIMIT, "more", *FEW)
    assert done.returncode == 1
    assert "MemoryError" in done.stderr or "memory" in done.stderr


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", ["chain", "pca-itq"])
def test_two_gigabytes_are_enough_by_default(tmp_path: Path, method: str) -> None:
    large = random_store(tmp_path / "large.h5", videos=128_000, frames=25, dim=1280)
    assert large.stat().st_size > 8000 * MB
    config = ["optim.epochs=1", "contrastive.weight=1"] if method == "chain" else []
    done = trained("-", large, method, 1000 * MB, 2000 * MB, "all", *config)
    assert done.returncode == 0, done.stderr[-2000:]
