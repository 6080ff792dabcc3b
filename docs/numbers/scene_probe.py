r"""Say what the scene task does to videos of two unlike scenes: are they still found by one?

    python docs/numbers/scene_probe.py gifs.h5 fight.h5 --row "scene.weight=0" \
        --row "scene.weight=0.3"

Joins every clip A of the stores with another one: the odd frames of both, one after the other, as
extraction would read a video of both. Trains on these joined videos without labels. Then the even
frames of A ask all joined videos; right are those that A is a part of (two: as first and as second
scene). Also measured: the share of bits in which the two halves of one clip differ, relative to
that of halves of unlike clips. Prints a line of JSON for each row.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from order_probe import mean_of
from order_rows import settings

import chainpipe
from chainpipe.pipeline.store import open_store

Floats = npt.NDArray[np.float32]


def clips_of(paths: list[Path]) -> Floats:
    """Read the different clips of some stores, (N, T, D)."""
    found = []
    for path in paths:
        with open_store(path) as store:
            _, first = np.unique(store.videos.ids, axis=0, return_index=True)
            found.append(store.features(np.sort(first)).astype(np.float32))
    return np.concatenate(found)


def joined(clips: Floats, *, seed: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Join each clip with another, (N, T - 1, D); return also the other's number, (N,)."""
    order = np.random.default_rng(seed).permutation(len(clips))
    second = np.empty(len(clips), np.intp)
    second[order] = np.roll(order, 1)
    return np.concatenate([clips[:, 1::2], clips[second, 1::2]], axis=1), second


def signs(model: chainpipe.Model, clips: Floats) -> Floats:
    """Return the codes of clips as -1 and 1, (N, K)."""
    packed = model.encode(clips).packed
    bits = np.unpackbits(packed, axis=1, bitorder="little")[:, : model.bits]
    return bits.astype(np.float32) * 2 - 1


def score(clips: Floats, row: dict[str, Any], *, bits: int, seed: int) -> dict[str, float]:
    """Train one model and measure it."""
    mixes, second = joined(clips, seed=seed)
    model = chainpipe.train(mixes, bits=bits, seed=seed, config=row)
    near = signs(model, clips[:, 0::2]) @ signs(model, mixes).T  # (N, N)
    right = np.eye(len(clips), dtype=bool) | (second == np.arange(len(clips))[:, None])
    ranked = np.take_along_axis(right, np.argsort(-near, axis=1, kind="stable"), axis=1)
    ratios = ranked.cumsum(axis=1) / np.arange(1, len(clips) + 1)
    half = clips.shape[1] // 2
    first, last = signs(model, clips[:, :half]), signs(model, clips[:, half:])
    apart = (1 - first @ last.T / bits) / 2
    own = np.diag(apart).mean()
    found = {
        "P@1": ranked[:, 0].mean(),
        "mAP": ((ratios * ranked).sum(axis=1) / 2).mean(),
        "halves apart": own / apart[~np.eye(len(clips), dtype=bool)].mean(),
    }
    last = model.history[-1] if model.history else {}
    found |= {"scene loss": last["scene"]} if "scene" in last else {}
    return {name: float(value) for name, value in found.items()}


def main() -> None:
    """Train the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", type=Path, nargs="+")
    parser.add_argument("--row", action="append", default=[], help="settings, key=value each")
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    clips = clips_of(asked.stores)
    warnings.simplefilter("ignore")
    for words in asked.row:
        row = settings(words)
        runs = [score(clips, row, bits=asked.bits, seed=seed) for seed in range(asked.seeds)]
        rounded = {name: round(value, 4) for name, value in mean_of(runs).items()}
        print(json.dumps({"row": words, "videos": len(clips), **rounded}), flush=True)


if __name__ == "__main__":
    main()
