"""Several processes that train one model, started by torchrun as users start them."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import read_facts
from chainpipe.hashing.runtime import distributed
from chainpipe.pipeline.errors import DistributedError, UsageError

MakeStore = Callable[..., Path]
ROOT = Path(__file__).parents[3]
CHAIN = [
    "input.dims=8",
    "encoder.hidden_dim=16",
    "encoder.num_heads=2",
    "encoder.feed_forward_dim=16",
    "encoder.dropout=0",
    "contrastive.weight=1",
    "order.weight=0.1",
    "scene.weight=0.1",
    "similarity.source=videos",
    "neighbours.k=3",
    "neighbours.source=means",
    "neighbours.update_every=2",
    "optim.grad_clip_norm=1",
]
CONMH = [
    "encoder.hidden_dim=16",
    "encoder.num_layers=2",
    "encoder.num_heads=2",
    "encoder.feed_forward_dim=16",
    "decoder.hidden_dim=12",
    "decoder.num_layers=1",
    "decoder.feed_forward_dim=16",
    "optim.lr=0.01",
]


def command(*words: object, processes: int = 1) -> list[str]:
    """Return `chainpipe train` with these words, by torchrun for several processes."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    start = [] if processes == 1 else launch
    return [sys.executable, *start, "-m", "chainpipe", "train", *map(str, words)]


def run(*words: object, processes: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words, "--device", "cpu", processes=processes),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def keys(*assignments: str) -> list[str]:
    return [word for each in assignments for word in ("--set", each)]


def history(model: Path) -> list[dict[str, float]]:
    with open(model / "history.csv", encoding="utf-8") as file:
        return [{n: float(v) for n, v in row.items() if v} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("method", "assignments", "processes", "memory"),
    [
        ("chain", CHAIN, 2, "20kB"),  # in a shared file
        pytest.param("conmh", CONMH, 3, "1GB", marks=pytest.mark.soak),  # in memory
    ],
)
def test_processes_with_a_batch_each_train_as_one_with_all_of_them(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    method: str,
    assignments: list[str],
    processes: int,
    memory: str,
) -> None:
    store = make_store(planted[:-1])  # batches that cannot be cut evenly
    words = [store, "--method", method, "--bits", 12, *keys(*assignments, "optim.epochs=6")]
    alone = run(*words, *keys(f"optim.batch_size={8 * processes}"), "--out", tmp_path / "alone")
    beside = run(
        *words,
        *keys("optim.batch_size=8"),
        *("--memory", memory, "--out", tmp_path / "beside"),
        processes=processes,
    )
    assert (alone.returncode, beside.returncode) == (0, 0), alone.stderr + beside.stderr
    assert f"{processes} processes train together" in beside.stderr
    assert ("in a file" in beside.stderr) == (memory != "1GB")
    assert beside.stdout.splitlines() == [str(tmp_path / "beside")]  # one speaks for all
    one, several = history(tmp_path / "alone"), history(tmp_path / "beside")
    assert len(one) == len(several) >= 6
    for row, other in zip(one, several, strict=True):
        assert row == pytest.approx(other, rel=2e-3, abs=1e-4)
    facts, hasher = load_hasher(tmp_path / "alone")
    other_facts, other_hasher = load_hasher(tmp_path / "beside")
    assert facts.config == other_facts.config
    assert np.mean(hasher.encode(planted) == other_hasher.encode(planted)) > 0.99


STEPS = 60
CHILD = """
import os
import sys
from pathlib import Path

from chainpipe.hashing.runtime import distributed
from chainpipe.hashing.config import Config
from chainpipe.hashing.runs.worker import run_worker
from chainpipe.hashing.config.overrides import apply, parse_assignments
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.pipeline.store import open_store

store, out, *assignments = sys.argv[1:]
options = TrainOptions(
    bits=8, config=apply(Config(), parse_assignments(assignments)), out=Path(out), device="cpu",
    checkpoint_seconds=0,
)


def log(*words):  # in one write: torchrun's Python has no buffer, and two processes share a pipe
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())


log("pid", int(distributed.is_worker()), os.getpid())
with open_store(Path(store)) as opened:
    if distributed.is_worker():
        run_worker(opened, options)
    else:
        train(opened, options, Callbacks(step=lambda done, total: log("step", done)))
for name in Path("/proc/self/task").glob("*/comm"):
    if "gloo" in name.read_text():
        log("left", name.read_text().strip())
"""


def trained(store: Path, out: Path, kills: list[tuple[int, int]]) -> str:
    """Train by two processes; kill one of them after some steps, each time; return the digest."""
    script, told = out.with_suffix(".py"), out.with_suffix(".err")
    script.write_text(CHILD)
    launch = [*command(processes=2)[:-3], str(script), str(store), str(out), *CHAIN]
    launch += ["optim.epochs=30", "optim.batch_size=8", "encoder.dropout=0.1"]
    for victim, steps in [*kills, (0, STEPS)]:
        whole = steps >= STEPS
        with told.open("w", encoding="utf-8") as err:
            child = subprocess.Popen(
                launch,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            )
        assert child.stdout is not None
        pids, done = {}, 0
        for line in child.stdout:
            word, *numbers = line.split()
            if word == "pid":
                pids[int(numbers[0])] = int(numbers[1])
            elif word == "left":  # a thread of torch's that can abort the process as it ends
                raise AssertionError(line)
            elif (done := done + 1) == steps and not whole:
                os.kill(pids[victim], signal.SIGKILL)
        assert (child.wait() == 0) == whole, told.read_text()
    return read_facts(out).weights_sha256


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="once"), pytest.param(20, id="often", marks=pytest.mark.soak)]
)
@pytest.mark.timeout(1500)
def test_two_processes_killed_at_random_points_end_with_the_same_weights(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, kills: int
) -> None:
    store, chance = make_store(planted), random.Random(kills)
    points = [
        (number % 2, chance.randint(1, max(1, STEPS // kills - 1))) for number in range(kills)
    ]
    whole = trained(store, tmp_path / "whole", [])
    assert trained(store, tmp_path / "killed", points) == whole


def test_time_that_is_up_ends_all_processes_and_the_run_goes_on(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    words = [
        make_store(planted),
        "--bits",
        8,
        *keys(*CHAIN, "optim.epochs=30", "optim.batch_size=8"),
    ]
    limited = [*words, "--out", tmp_path / "limited"]
    stopped = run(*limited, "--time-limit", "0.001s", processes=2)
    assert stopped.returncode == 1  # torchrun's own
    assert "exitcode  : 130" in stopped.stderr
    assert "the time limit is reached" in stopped.stderr
    assert "lost the others" not in stopped.stderr
    going_on = run(*limited, processes=2)
    assert going_on.returncode == 0
    assert "continuing an interrupted run" in going_on.stderr


def test_a_mistake_is_told_once_and_ends_all_processes(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    broken = planted.copy()
    broken[3, 0, 0] = np.nan
    words = [make_store(broken), *keys(*CHAIN), "--out", tmp_path / "m"]
    done = run(*words, processes=2)
    assert done.returncode == 1
    assert done.stderr.count("NaN or Inf in 1 row") == 1
    assert "bug in chainpipe" not in done.stderr
    assert not list(tmp_path.glob("m*"))


def test_a_baseline_is_no_work_for_several(
    monkeypatch: pytest.MonkeyPatch, make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    from chainpipe.hashing.runs.options import TrainOptions
    from chainpipe.hashing.runs.train import train
    from chainpipe.pipeline.store import open_store

    monkeypatch.setenv("WORLD_SIZE", "2")
    with (
        open_store(make_store(planted)) as store,
        pytest.raises(UsageError, match="fitted by one process"),
    ):
        train(store, TrainOptions(method="lsh", out=tmp_path / "m"))


def test_a_number_of_processes_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(UsageError, match="WORLD_SIZE is `two`"):
        distributed.launched_world_size()


def test_processes_that_cannot_meet_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.setattr(distributed, "TIMEOUT", distributed.timedelta(seconds=1))
    with pytest.raises(DistributedError, match="process 1 of 2"), distributed.process_group("cpu"):
        raise AssertionError("met nobody")


@settings(deadline=None)
@given(count=st.integers(1, 40), processes=st.integers(1, 9))
def test_shares_are_equal_and_cover_all_rows_in_order(count: int, processes: int) -> None:
    shares = [
        distributed.shard_of(count, rank=number, processes=processes) for number in range(processes)
    ]
    assert len({len(share) for share in shares}) == 1
    joined = torch.cat(shares)
    assert torch.equal(joined[:count], torch.arange(count))
    assert joined.max() == count - 1


def test_a_number_without_torchrun_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (distributed.launched_world_size(), distributed.world_size(), distributed.rank()) == (
        4,
        1,
        0,
    )


def test_alone_everything_is_as_if_there_was_no_team() -> None:
    with distributed.process_group("cpu"), distributed.rank_zero_first():
        assert distributed.broadcast_object("x") == "x"
        assert not distributed.broadcast_flag(False)
    assert torch.equal(distributed.own_shard(3), torch.arange(3))
