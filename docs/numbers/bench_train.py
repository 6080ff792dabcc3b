"""Measure training: CPU a video of CHAIN's step, against ConMH's and against its own products.

Writes train.json. The features are made up; what they are changes nothing in the cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import measured, spread
from products import Watch, alone, work
from setting import about, arguments, goal, save

from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.build_trainer import build_trainer, make_clips
from chainpipe.hashing.methods.chain.init_hash_layer import init_hash_layer
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.conmh.build import build_objective
from chainpipe.hashing.methods.conmh.build import build_trainer as conmh_trainer
from chainpipe.hashing.models.pca_whitening import PcaWhitening
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.trainer import Trainer

ALONE = {  # what train.json was measured with: the defaults of 0.2.0
    "input.dims": 256,
    "order.weight": 0.0,
    "scene.weight": 0.0,
    "reflection.weight": 0.0,
}
CHEAPER, OVERHEAD = 0.2, 1.4
BITS = 64
LEAST_STEPS = 4  # a round holds
MAIN_SET = Survey(1500, 0.6)  # `auto` becomes what it is on the main set
CHAIN_NAME, CONMH_NAME, PRODUCTS = "CHAIN", "ConMH, 12 blocks", "CHAIN's matrix products alone"


@dataclass(frozen=True)
class Size:
    """How much is trained on.

    Attributes:
        videos: In memory; ConMH's batch.
        frames: T.
        dims: D.
    """

    videos: int
    frames: int
    dims: int


class _EnoughError(Exception):
    """Raised to leave a training run that goes on later."""


def steps_of(trainer: Trainer, count: int) -> None:
    """Go on with a training run for some steps, as `train` would."""
    last = trainer.progress.step + count

    def stop(done: int, total: int) -> None:
        if done == last:
            raise _EnoughError

    try:
        trainer.run(callbacks=Callbacks(step=stop))
    except _EnoughError:
        return
    raise RuntimeError("the run is too short to be measured")


def chain_trainer(size: Size) -> Trainer:
    """Return CHAIN's training by the contrastive loss alone, behind the PCA whitening."""
    config = CHAIN.resolve(apply(CHAIN.config, ALONE), MAIN_SET)
    dims = min(config.input.dims, size.dims)
    rng = np.random.default_rng(0)
    clips = rng.normal(size=(size.videos, size.frames, dims)).astype(np.float32)
    matrix = np.eye(size.dims, dims, dtype=np.float32)
    pca = PcaWhitening(np.zeros(size.dims, np.float32), matrix, np.ones(dims, np.float32))
    model = build_model(config, pca, bits=BITS, seed=0)
    init_hash_layer(config, model, clips, seed=0)
    return build_trainer(config, model, make_clips(config, pca, clips, seed=0), seed=0)


def rival_trainer(size: Size) -> Trainer:
    """Return ConMH's training with its published shape."""
    objective = build_objective(CONMH.config, dims=size.dims, bits=BITS, seed=0)
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn(size.videos, size.frames, size.dims, generator=generator)
    clips = Clips(frames, frames.mean(dim=1), torch.ones(size.dims))
    return conmh_trainer(CONMH.config, objective, clips, seed=0)


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    head = about("bench_train", asked)
    size = Size(16, 6, 64) if asked.quick else Size(512, 25, 2048)
    with deterministic_torch(1):
        chain, conmh = chain_trainer(size), rival_trainer(size)
        # From one search for neighbours to the next, so that each round holds one. The default
        # searches once a run, before its first step: some CPU seconds that no step holds.
        period = (
            chain.neighbour_miner.update_every * chain.steps_per_epoch
            if chain.neighbour_miner
            else 0
        )
        period = period or LEAST_STEPS
        steps_of(chain, period)
        steps_of(conmh, 1)
        with Watch() as watch:
            steps_of(chain, period)
        ways: dict[str, tuple[Callable[[], None], int]] = {
            CHAIN_NAME: (
                lambda: steps_of(chain, period),
                period * size.videos // chain.steps_per_epoch,
            ),
            PRODUCTS: (alone(watch.products), period * size.videos // chain.steps_per_epoch),
            CONMH_NAME: (lambda: steps_of(conmh, 1), size.videos),
        }
        costs = rounds(ways, asked.repeats)
    cheaper = ratios(costs[CHAIN_NAME], costs[CONMH_NAME])
    overhead = ratios(costs[CHAIN_NAME], costs[PRODUCTS])
    return {
        "about": head, "threads": 1, "bits": BITS, "size": vars(size),
        "milliseconds of CPU a video": {name: spread(found) for name, found in costs.items()},
        "multiplications a video": work(watch.products) // ways[CHAIN_NAME][1],
        "CHAIN / ConMH": cheaper, "CHAIN / its products": overhead,
        "goals": goals(cheaper["median"], overhead["median"]),
    }  # fmt: skip


def rounds(ways: dict[str, tuple[Callable[[], None], int]], repeats: int) -> dict[str, list[float]]:
    """Return milliseconds of CPU a video of every way, for every round."""
    costs: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (run, videos) in ways.items():
            with measured() as spent:
                run()
            costs[name].append(1000 * spent.cpu / videos)
    return costs


def ratios(above: list[float], below: list[float]) -> dict[str, float | int]:
    """Return the spread of the ratios of the same rounds."""
    return spread([a / b for a, b in zip(above, below, strict=True)])


def goals(cheaper: float, overhead: float) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    return [
        goal("CPU a video of CHAIN's training, of ConMH's", f"<= {CHEAPER:g}", cheaper,
             cheaper <= CHEAPER),
        goal("CPU of CHAIN's training, of its matrix products alone", f"<= {OVERHEAD:g}", overhead,
             overhead <= OVERHEAD),
    ]  # fmt: skip


def main() -> None:
    """Measure everything and write train.json."""
    asked = arguments(__doc__ or "", repeats=7)
    save(Path(asked.out), "train", report(asked))


if __name__ == "__main__":
    main()
