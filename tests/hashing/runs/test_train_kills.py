"""Training killed at random points, as a machine that dies does, ends with the same weights."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.model_folder.folder import read_facts

MakeStore = Callable[..., Path]
STEPS = 60
CHILD = """
import sys
from pathlib import Path
from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.pipeline.store import open_store

store, out, memory = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
config = apply(Config(), {
    "input.dims": 8, "encoder.hidden_dim": 16, "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 16,
    "contrastive.weight": 1.0, "order.weight": 0.1, "scene.weight": 0.1, "scene.update_every": 2,
    "neighbours.k": 3, "neighbours.source": "means", "neighbours.update_every": 2,
    "optim.epochs": 20, "optim.batch_size": 16, "validation.every": 1,
})
options = TrainOptions(
    bits=8, config=config, out=out, device="cpu", memory=memory, checkpoint_seconds=0
)
with open_store(store) as opened:
    train(opened, options, Callbacks(step=lambda done, total: print(done, flush=True)))
"""


def trained(store: Path, out: Path, *, memory: int, kills: list[int]) -> str:
    """Train, killed after so many steps each time, and to the end; return the weights' digest."""
    program = [sys.executable, "-c", CHILD, str(store), str(out), str(memory)]
    for steps in [*kills, STEPS]:
        child = subprocess.Popen(
            program, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
        )
        assert child.stdout is not None
        for number, _ in enumerate(child.stdout, 1):
            if number == steps and steps < STEPS:
                child.send_signal(signal.SIGKILL)
        child.stdout.close()
        assert child.wait() == (-signal.SIGKILL if steps < STEPS else 0)
    return read_facts(out).weights_sha256


@pytest.mark.parametrize(
    ("memory", "kills"),
    [
        pytest.param(10**9, 1, id="memory"),
        pytest.param(20_000, 1, id="file"),
        pytest.param(10**9, 20, id="memory, often", marks=pytest.mark.soak),
        pytest.param(20_000, 20, id="file, often", marks=pytest.mark.soak),
    ],
)
def test_a_run_killed_at_random_points_ends_with_the_same_weights(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, memory: int, kills: int
) -> None:
    store = make_store(planted)
    chance = random.Random(kills)
    points = [chance.randint(1, max(1, STEPS // kills - 1)) for _ in range(kills)]
    whole = trained(store, tmp_path / "whole", memory=10**9, kills=[])
    killed = trained(store, tmp_path / "killed", memory=memory, kills=points)
    assert killed == whole
