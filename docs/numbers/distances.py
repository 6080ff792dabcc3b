"""Measure the distances of `eval` at equal bytes: Hamming, asymmetric, re-ranked, cosine of floats.

Trains what is missing into a folder of models, and adds its rows to distances.csv:

    python docs/numbers/distances.py gifs.h5 --method pca-itq --bits 16 32 64 --seeds 3
    python docs/numbers/distances.py --table    # the tables of distances.md
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from setting import HERE

from chainpipe.hashing.evaluation.choose_protocol import choose_protocol, only_needed
from chainpipe.hashing.evaluation.distances import DISTANCES, FAR, RERANK, DistanceChoice, Keys
from chainpipe.hashing.evaluation.evaluate import evaluate
from chainpipe.hashing.experiments.class_split import read_classes
from chainpipe.hashing.methods.registry import METHODS, load_hasher
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.encode import encode_with_values
from chainpipe.hashing.retrieval.hamming import Rows
from chainpipe.hashing.retrieval.rerank import DEPTH, cosine_steps
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.runtime.determinism import blas_threads, deterministic_torch
from chainpipe.pipeline.store import open_store

FLOATS = "floats"  # re-ranking all answers: cosine of centred mean features
RAW = "floats, not centred"
KEYS = ("set", "classes", "method", "bits", "seed")
COLUMNS = (*DISTANCES, FLOATS, RAW)
SCORES = ("map", "map_tied", "precision_1")
Row = dict[str, str | int | float]


class RawCosine:
    """Cosine of mean features (B, D) that are not centred, to choose by."""

    name = RAW

    def __init__(self, means: np.ndarray) -> None:
        self._means = means

    def facts(self) -> dict[str, str | int]:
        """Return the name."""
        return {"distance": RAW}

    def sentences(self) -> list[str]:
        """Return the name as a sentence."""
        return [RAW]

    def keys(self, codes: Codes, queries: Rows, database: Rows, own: Rows) -> Keys:
        """Return 1 - cosine in whole steps, (Q, N)."""
        centre = np.zeros(self._means.shape[1], np.float32)
        found = [cosine_steps(self._means[q], self._means[database], centre) for q in queries]
        keys = np.array(found, np.int64)
        asking = np.flatnonzero(own >= 0)
        keys[asking, own[asking]] = FAR
        return keys


def rows_of(
    codes: Codes, values: np.ndarray, means: np.ndarray, keys: dict[str, str | int]
) -> Iterator[Row]:
    """Evaluate codes by every distance, and the floats."""
    everything = DistanceChoice(RERANK, len(codes))
    choices = {name: DistanceChoice(name) for name in DISTANCES} | {FLOATS: everything}
    ways = {name: choice.distance(values, means) for name, choice in choices.items()}
    for name, distance in (ways | {RAW: RawCosine(means)}).items():
        found = evaluate(codes, method="x", distance=distance)
        scores = found.map(20), found.map_tied(20), float(found.pr_rank.precision[0])
        yield {**keys, "distance": name, **dict(zip(SCORES, scores, strict=True))}


def measure(
    path: Path, method: str, bits: int, seed: int, *, models: Path, apart: Sequence[str]
) -> Iterator[Row]:
    """Train one model where it is missing, and evaluate it; with ``apart`` by groups of classes."""
    folder = models / f"{path.stem}-{method}-{bits}-{seed}"
    options = TrainOptions(
        method=method, bits=bits, seed=seed, config=METHODS[method].config, out=folder
    )
    with open_store(path) as store, blas_threads(1), deterministic_torch(1):
        train(store, options)
        facts, hasher = load_hasher(folder)
        rows, _ = only_needed(choose_protocol(store.videos.labels, store.videos.split))
        found = encode_with_values(store, facts, hasher, rows=rows, values=True, means=True)
    names = found.codes.label_names
    listed = np.isin(names, list(apart))
    groups = {"tuning": listed, "others": ~listed} if apart else {"all": ~listed}
    for group, columns in groups.items():
        chosen = found.codes.labels[:, columns].any(axis=1)
        keys = dict(zip(KEYS, (path.stem, group, method, bits, seed), strict=True))
        yield from rows_of(found.codes[chosen], found.values[chosen], found.means[chosen], keys)


def read_rows(path: Path) -> list[Row]:
    """Return the measured rows, in order."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{**row} for row in csv.DictReader(file)]


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows, the last of each key, sorted."""
    kept = {tuple(str(row[name]) for name in (*KEYS, "distance")): row for row in rows}
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, (*KEYS, "distance", *SCORES), lineterminator="\n")
        table.writeheader()
        table.writerows(
            {**kept[key], **{name: f"{float(kept[key][name]):.6f}" for name in SCORES}}
            for key in sorted(kept, key=lambda key: (*key[:3], int(key[3]), *key[4:]))
        )


def table(rows: Sequence[Row], score: str) -> str:
    """Return a Markdown table: a line for each set and method, means over the seeds."""
    values = defaultdict(lambda: defaultdict(list))
    raw = {(row["set"], row["classes"]): row[score] for row in rows if row["distance"] == RAW}
    for row in rows:
        line = (row["set"], row["classes"], row["method"], int(row["bits"]))
        values[line][row["distance"]].append(float(row[score]))
    heads = ("set", "classes", "method", "bits", "seeds", *COLUMNS, "gain", "of floats")
    lines = ["| " + " | ".join(heads) + " |", "|---|---|---|" + "---:|" * (len(heads) - 3)]
    for line, found in sorted(values.items()):
        mean = {name: float(np.mean(found[name])) for name in (*DISTANCES, FLOATS)}
        mean[RAW] = float(raw[line[:2]])  # of no codes, so the same in every line of a set
        gains = np.array(found["asymmetric"]) - np.array(found["hamming"])
        gain = f"{gains.mean():+.3f} ± {gains.std(ddof=1):.3f}" if len(gains) > 1 else "-"
        cells = [*map(str, line), str(len(gains)), *(f"{mean[name]:.3f}" for name in mean)]
        cells += [gain, f"{mean[RERANK] / mean[FLOATS]:.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", type=Path)
    parser.add_argument("--method", nargs="+", default=["pca-itq"])
    parser.add_argument("--bits", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--apart", type=Path, help="classes that are evaluated apart")
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--out", type=Path, default=HERE / "distances.csv")
    parser.add_argument("--table", action="store_true", help="print the tables")
    asked = parser.parse_args()
    listed = read_classes(asked.apart) if asked.apart else []
    for store in asked.stores:
        for method in asked.method:
            for bits in asked.bits:
                for seed in range(asked.seeds):
                    how = {"models": asked.models, "apart": listed}
                    found = list(measure(store, method, bits, seed, **how))
                    write_rows(asked.out, [*read_rows(asked.out), *found])
                    said = [f"{row['distance']} {row['map_tied']:.4f}" for row in found]
                    print(store.stem, method, bits, seed, *said, flush=True)
    if asked.table:
        print(f"re-ranked: the first {DEPTH}")
        for score in ("map_tied", "precision_1"):
            print(f"\n{score}\n\n{table(read_rows(asked.out), score)}")


if __name__ == "__main__":
    main()
