"""Measure the evaluator at FCVID's size, and against the way of the public code.

Writes evaluate.json. Codes and labels are drawn: 45,600 videos of 239 classes, one to three each;
no step of either way takes longer or shorter for real ones, but for how many answers tie.
The whole evaluation is a child process with one thread, whose CPU time and memory are measured from
outside; the two ways are compared on the first queries, in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import measured, run_command, spread
from setting import about, arguments, goal, save

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol
from chainpipe.hashing.evaluation.evaluate import CUTOFFS, evaluate
from chainpipe.hashing.evaluation.protocol import Protocol
from chainpipe.hashing.retrieval.codes import Codes, Origin, pack
from chainpipe.pipeline.records import Fingerprint, Split

VIDEOS, CLASSES, SLICE = 45_600, 239, 512
BITS = (16, 64, 256)
SECONDS, BYTES = 180.0, 2_000_000_000


def drawn_codes(videos: int, bits: int) -> Codes:
    """Draw codes in classes: each bit of a class's code flips with chance 0.3."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, CLASSES, videos)
    centres = rng.integers(0, 2, (CLASSES, bits)).astype(bool)
    labels = np.zeros((videos, CLASSES), np.uint8)
    labels[np.arange(videos), kind] = 1
    for share in (0.2, 0.05):
        chosen = np.flatnonzero(rng.random(videos) < share)
        labels[chosen, rng.integers(0, CLASSES, len(chosen))] = 1
    names = tuple(f"class {number:03}" for number in range(CLASSES))
    return Codes(
        packed=pack(centres[kind] ^ (rng.random((videos, bits)) < 0.3)), bits=bits,
        video_ids=np.zeros((videos, 32), np.uint8),
        paths=tuple(b"%d" % row for row in range(videos)),
        labels=labels, label_names=names, split=np.full(videos, Split.TEST, np.uint8),
        origin=Origin(Fingerprint("drawn", "", 1, ""), "", ""),
    )  # fmt: skip


def protocol_of(codes: Codes, queries: int | None = None) -> Protocol:
    """Return FCVID's protocol, of the first queries only where asked."""
    found = choose_protocol(codes.labels, codes.split, name="fcvid")
    return replace(found, queries=found.queries[:queries])


def peers_way(codes: Codes, queries: int) -> list[float]:
    """Return mAP at the six K as the public code has it: all distances as floats, all sorted.

    Written anew from the description: distances of +-1 codes by a matrix product, a full argsort
    of each query's line, a full table of shared labels.
    """
    values = np.unpackbits(codes.packed, axis=1, count=codes.bits, bitorder="little") * 2.0 - 1
    labels = codes.labels.astype(np.float64)
    distance = 0.5 * (codes.bits - values @ values[:queries].T)  # (N, Q)
    order = np.argsort(distance, axis=0)
    shared = (labels @ labels[:queries].T) > 0  # (N, Q)
    hits = np.take_along_axis(shared, order, axis=0)[: max(CUTOFFS)].T  # (Q, 100)
    gained = hits * hits.cumsum(axis=1) / np.arange(1, max(CUTOFFS) + 1)
    return [float(gained[:, :k].sum(axis=1).mean() / k) for k in CUTOFFS]


def compare(codes: Codes, rounds: int, queries: int) -> dict[str, Any]:
    """Measure both ways on the first queries, round by round."""
    ours, theirs = [], []
    for _ in range(rounds):
        with measured() as spent:
            found = evaluate(codes, method="drawn", protocol=protocol_of(codes, queries))
        ours.append(spent.cpu)
        with measured() as spent:
            other = peers_way(codes, queries)
        theirs.append(spent.cpu)
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "bits": codes.bits, "queries": queries, "database": len(codes),
        "ours, CPU seconds": spread(ours), "peers' way, CPU seconds": spread(theirs),
        "times faster": spread(ratios),
        "whole, extrapolated": round(min(ours) / queries * len(codes), 1),
        "map": list(found.scores["map"].values()),
        "map_tied": list(found.scores["map_tied"].values()),
        "map, peers' way": other,
    }  # fmt: skip


def whole(videos: int, bits: int) -> dict[str, Any]:
    """Evaluate everything in a child process; return its CPU seconds and memory."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["--whole", str(videos), str(bits)]
        ended = run_command([sys.executable, __file__, *words], folder=Path(folder), every=0.1)
    if ended.code:
        raise RuntimeError(ended.stderr)
    found = json.loads(ended.stdout)
    return {
        "bits": bits, "queries": videos, "database": videos,
        "CPU seconds, start and drawing included": round(ended.cpu, 1),
        "CPU seconds": found["cpu"], "peak bytes": ended.peak_bytes, "map": found["map"],
    }  # fmt: skip


def run_whole(videos: int, bits: int) -> None:
    """Be the child process."""
    codes = drawn_codes(videos, bits)
    with measured() as spent:
        found = evaluate(codes, method="drawn", protocol=protocol_of(codes))
    print(json.dumps({"cpu": round(spent.cpu, 1), "map": list(found.scores["map"].values())}))


def report(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the whole JSON."""
    head = about("bench_evaluate", asked)
    videos, queries = (3_000, 64) if asked.quick else (VIDEOS, SLICE)
    slices = [compare(drawn_codes(videos, bits), asked.repeats, queries) for bits in BITS]
    everything = whole(videos, 64)
    return {
        "about": head, "threads": 1, "slices": slices, "whole": everything,
        "goals": goals(everything),
    }  # fmt: skip


def goals(everything: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    cpu, memory = everything["CPU seconds"], everything["peak bytes"]
    name = "FCVID's size, 64 bits, six K, one core"
    return [
        goal(f"{name}: CPU seconds", f"< {SECONDS:g}", cpu, cpu < SECONDS),
        goal(f"{name}: memory in GB", "< 2", round(memory / 1e9, 2), memory < BYTES),
    ]


def main() -> None:
    """Measure everything and write evaluate.json."""
    if sys.argv[1:2] == ["--whole"]:
        run_whole(*map(int, sys.argv[2:]))
        return
    asked = arguments(__doc__ or "", repeats=3)
    save(Path(asked.out), "evaluate", report(asked))


if __name__ == "__main__":
    main()
