"""Measure the default backbone: frames a CPU-second in one thread, against eager torch.

Writes backbone.json. The frames are those that the decoder gives of real footage.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from footage import films
from measure import measured, spread
from setting import about, arguments, goal, save

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.backbones.cnn import load_lite0
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest

OURS, BASE, SAME = "chainpipe cnn", "torch, batch 8", "torch, batch 1"
FASTER, COSINE = 4.0, 0.999
FRAMES = 25

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]
Embed = Callable[[Pixels], Features]


def frames_of_films(count: int) -> Pixels:
    """Return frames of every film, (n, 224, 224, 3)."""
    with DecodeWorker() as worker:
        request = FrameRequest(count)
        return np.concatenate([worker.read(path, request).pixels for path in films()])


def torch_embed(*, batch: int, channels_last: bool) -> Embed:
    """Return the network in eager torch, some frames at a time."""
    net = load_lite0()
    if channels_last:
        net = net.to(memory_format=torch.channels_last)

    def embed(pixels: Pixels) -> Features:
        with torch.inference_mode():
            starts = range(0, len(pixels), batch)
            parts = [net(torch.from_numpy(pixels[i : i + batch])) for i in starts]
            return np.asarray(torch.cat(parts).numpy(), np.float32)

    return embed


def methods(warm: Pixels) -> dict[str, Embed]:
    """Return every way to embed frames, warmed up."""
    torch.set_num_threads(1)
    found: dict[str, Embed] = {OURS: build_backbone("cnn", device="cpu", threads=1).embed}
    for batch in (1, 8):
        for last in (False, True):
            name = f"torch, batch {batch}" + ", channels last" * last
            found[name] = torch_embed(batch=batch, channels_last=last)
    for embed in found.values():
        embed(warm)
    return found


def cosines(ours: Features, theirs: Features) -> dict[str, float]:
    """Return the smallest and the mean cosine of two features of the same frame."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    found = (ours * theirs).sum(axis=1) / lengths
    return {"min": round(float(found.min()), 6), "mean": round(float(found.mean()), 6)}


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    head = about("bench_backbone", asked)
    pixels = frames_of_films(1 if asked.quick else FRAMES)
    ways = methods(pixels[:8])
    rates: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, Features] = {}
    for _ in range(asked.repeats):
        for name, embed in ways.items():
            with measured() as spent:
                answers[name] = embed(pixels)
            rates[name].append(len(pixels) / spent.cpu)
    ratios = {
        name: [a / b for a, b in zip(found, rates[BASE], strict=True)]
        for name, found in rates.items()
    }
    alike = cosines(answers[OURS], answers[SAME])
    return {
        "about": head, "frames": len(pixels), "threads": 1, "base": BASE,
        "methods": {
            name: {"frames a CPU-second": spread(rates[name]), "ratio": spread(ratios[name])}
            for name in ways
        },
        "cosine": alike, "goals": goals(spread(ratios[OURS])["median"], alike["min"]),
    }  # fmt: skip


def goals(faster: float, cosine: float) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    return [
        goal("times the frames of eager torch at batch 8", f">= {FASTER:g}", faster,
             faster >= FASTER),
        goal("cosine with eager torch, worst frame", f">= {COSINE}", cosine, cosine >= COSINE),
    ]  # fmt: skip


def main() -> None:
    """Measure everything and write backbone.json."""
    asked = arguments(__doc__ or "", repeats=5)
    save(Path(asked.out), "backbone", report(asked))


if __name__ == "__main__":
    main()
