"""Measure encoding: videos a CPU-second against a plain BTH-sized block and our own products.

Writes encode.json. Features are drawn, not real: the time depends on their shape only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from measure import measured, spread
from plain_block import PlainBlock
from setting import about, arguments, goal, save
from torch import nn

from chainpipe.hashing.config import Config
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.models.fused_hasher import FRAMES
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.hashing.models.pca_whitening import PcaWhitening

OURS, HALF = "chainpipe, folded", "chainpipe, folded, from float16"
UNFOLDED, PRODUCTS = "chainpipe, as in training", "chainpipe's matrix products alone"
PLAIN, SMALL = "plain block, batch 128", "plain block, batch 32"
FASTER, OVERHEAD = 1.5, 1.4
FULL, QUICK = (512, 25, 2048), (8, 5, 64)  # videos, T, D
BITS, DIMS = 64, Config().input.dims

Features = npt.NDArray[np.floating]
Way = Callable[[], object]


def network(dim: int) -> HashModel:
    """Return the default network with drawn weights."""
    rng = np.random.default_rng(0)
    dims = min(Config().input.dims, dim)
    matrix = (rng.normal(size=(dim, dims)) / np.sqrt(dim)).astype(np.float32)
    pca = PcaWhitening(np.full(dim, 0.5, np.float32), matrix, np.ones(dims, np.float32))
    model = build_model(Config(), pca, bits=BITS, seed=0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nn.init.normal_(model.hash_layer.head.weight)  # 0 before training
    return model.eval()


def batches(features: Features, videos: int) -> Iterator[torch.Tensor]:
    """Cut features (N, T, D) into batches."""
    for start in range(0, len(features), videos):
        yield torch.from_numpy(features[start : start + videos])


def as_in_training(model: HashModel, features: Features) -> Features:
    """Return codes by front, encoder and hash layer one after the other, every frame encoded."""
    with torch.no_grad():
        parts = [model(model.project(part)).values >= 0 for part in batches(features, 128)]
    return np.asarray(torch.cat(parts).numpy())


def plainly(block: PlainBlock, features: Features, videos: int) -> None:
    """Encode with the plain block."""
    with torch.no_grad():
        for part in batches(features, videos):
            block(part)


def products(model: HashModel, features: Features) -> Way:
    """Return every matrix product of the fused default network, and nothing between them."""
    encoder: Any = model.encoder
    attention, feed = encoder.blocks[0].attention, encoder.blocks[0].feed_forward
    time, width, heads = features.shape[1], encoder.hidden_dim, attention.num_heads
    videos = min(max(1, FRAMES // time), len(features))
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> Features:
        return rng.normal(size=shape).astype(np.float32)

    frames, video, mean = drawn(videos * time, width), drawn(videos, width), drawn(videos, DIMS)
    query, scores = (drawn(videos, heads, time, size) for size in (width // heads, time))
    hidden = feed[0].out_features
    whole, deep, into = (drawn(size, width) for size in (features.shape[2], hidden, BITS))
    qkv, out, matrix = drawn(3 * width, width), drawn(width, width), drawn(features.shape[2], DIMS)
    shortcut, mixed = drawn(BITS, DIMS), drawn(videos, hidden)

    def multiply() -> None:
        for start in range(0, len(features), videos):
            part = features[start : start + videos].reshape(-1, features.shape[2])
            part @ whole
            for layer in (qkv, out, deep):
                frames @ layer.T
            query @ query.swapaxes(2, 3)
            scores @ query
            mixed @ deep
            part[:videos] @ matrix
            mean @ shortcut.T
            video @ into.T

    return multiply


def ways(features: Features) -> dict[str, Way]:
    """Return everything that is timed, warmed up."""
    half, dim = features.astype(np.float16), features.shape[2]
    model, block = network(dim), PlainBlock(dim=dim, bits=BITS).eval()
    hasher = CHAIN.load(Config(), tensors_of(model))
    found: dict[str, Way] = {
        OURS: partial(hasher.encode, features),
        PLAIN: partial(plainly, block, features, 128),
        PRODUCTS: products(model, features),
        SMALL: partial(plainly, block, features, 32),
        HALF: partial(hasher.encode, half),
        UNFOLDED: partial(as_in_training, model, features),
    }
    for way in found.values():
        way()
    return found


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    head = about("bench_encode", asked)
    torch.set_num_threads(1)
    shape = QUICK if asked.quick else FULL
    features = np.random.default_rng(1).gamma(1.0, 0.5, shape).astype(np.float32)
    timed = ways(features)
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(asked.repeats):
        for name, way in timed.items():
            with measured() as spent:
                way()
            rates[name].append(len(features) / spent.cpu)
    ratios = {name: ratio(rates[OURS], found) for name, found in rates.items()}
    model = network(shape[2])
    differing = int((model.encode(features) != as_in_training(model, features)).sum())
    return {
        "about": head, "videos": shape[0], "frames": shape[1], "dim": shape[2], "bits": BITS,
        "threads": 1, "base": OURS, "differing bits": differing,
        "methods": {
            name: {"videos a CPU-second": spread(rates[name]), "ours / this": spread(ratios[name])}
            for name in timed
        },
        "goals": goals(spread(ratios[PLAIN])["median"], spread(ratios[PRODUCTS])["median"]),
    }  # fmt: skip


def ratio(ours: list[float], theirs: list[float]) -> list[float]:
    """Return our rate over another, round by round."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def goals(faster: float, products_share: float) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    overhead = round(1 / products_share, 4)
    return [
        goal("times the videos of a plain BTH-sized block", f">= {FASTER:g}", faster,
             faster >= FASTER),
        goal("times the CPU of its own matrix products", f"<= {OVERHEAD:g}", overhead,
             overhead <= OVERHEAD),
    ]  # fmt: skip


def main() -> None:
    """Measure everything and write encode.json."""
    asked = arguments(__doc__ or "", repeats=15)
    save(Path(asked.out), "encode", report(asked))


if __name__ == "__main__":
    main()
