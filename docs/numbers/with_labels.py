"""Say what labels would give: CHAIN's training with videos of the same class as neighbours.

No method of chainpipe reads labels. This shows how far the features carry over to pictures that
were never seen, whichever neighbours are found. Writes with-labels.json.

    python docs/numbers/with_labels.py main.h5 --bits 64 --seeds 5
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from setting import HERE
from torch import Tensor

from chainpipe.hashing.config.overrides import apply, to_dict
from chainpipe.hashing.config.presets import Survey
from chainpipe.hashing.data.training_set import TrainingFrames, training_rows
from chainpipe.hashing.evaluation.evaluate import evaluate
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.mining.refresh import NeighbourMiner
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.hashing.retrieval.encode import encode_store
from chainpipe.hashing.runtime.determinism import blas_threads, deterministic_torch
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.base import FeatureStore

NEIGHBOURS = 15  # of a video, as many as the default has on 1500 videos


def positive_indices(labels: np.ndarray, *, seed: int) -> Tensor:
    """Draw other videos that share a label with each of N, (N, k); -1 where there are fewer."""
    same = (labels.astype(np.float32) @ labels.T.astype(np.float32)) > 0
    np.fill_diagonal(same, False)
    chance = np.where(same, np.random.default_rng(seed).random(same.shape), -1.0)
    drawn = np.argsort(-chance, axis=1)[:, :NEIGHBOURS]
    return torch.from_numpy(np.where(np.take_along_axis(same, drawn, axis=1), drawn, -1))


def score(store: FeatureStore, *, bits: int, seed: int, epochs: int | None) -> dict[str, float]:
    """Train with labels, encode the store and return its scores at 20."""
    chosen = training_rows(store)
    frames = TrainingFrames(store, chosen.rows)
    asked = CHAIN.config if epochs is None else apply(CHAIN.config, {"optim.epochs": epochs})
    config = CHAIN.resolve(asked, Survey(len(chosen), frames.halves_cosine(), frames.frames))
    table = positive_indices(store.videos.labels[chosen.rows], seed=seed)
    cpu = torch.device("cpu")
    ready = CHAIN.build(config, frames, bits=bits, seed=seed, device=cpu, state=None)
    told = NeighbourMiner(
        k=NEIGHBOURS,
        probability=config.neighbours.probability,
        mutual=False,
        min_cosine=-1.0,
        update_every=0,
        first=lambda clips: table,
    )
    ready.trainer.neighbour_miner = told
    ready.trainer.run()
    facts = ModelFacts(
        method="chain",
        bits=bits,
        seed=seed,
        fingerprint=store.meta.fingerprint,
        store=str(store.path),
        config=to_dict(config),
        data={},
    )
    codes = encode_store(store, facts, CHAIN.load(config, tensors_of(ready.model)))
    found = evaluate(codes, method="chain").scores
    return {name: found[name][20] for name in ("map", "map_min", "map_tied")}


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    with open_store(asked.store) as store, blas_threads(1), deterministic_torch(1):
        scores = [
            score(store, bits=asked.bits, seed=seed, epochs=asked.epochs)
            for seed in range(asked.seeds)
        ]
    means = {name: float(np.mean([each[name] for each in scores])) for name in scores[0]}
    command = f"python docs/numbers/with_labels.py {asked.store.name} --bits {asked.bits}"
    return {"command": f"{command} --seeds {asked.seeds}", "at 20": means, "seeds": scores}


def main() -> None:
    """Train, print and write with-labels.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=None, help="instead of the default's")
    parser.add_argument("--out", type=Path, default=HERE)
    asked = parser.parse_args()
    text = json.dumps(report(asked), indent=1)
    (asked.out / "with-labels.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
