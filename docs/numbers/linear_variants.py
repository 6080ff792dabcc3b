"""Measure variants of PCA-ITQ that the defaults of CHAIN were chosen by; nothing is trained.

    python docs/numbers/linear_variants.py --out sets --sets gifs fight copies copies-without
    python docs/numbers/linear_variants.py --out C --sets 'new-*' --listed C/classes.txt
    python docs/numbers/linear_variants.py --store demo/feats.h5

Sets and scores are those of real_world.py, C of its `choosing`: mAP@20, AP divided by 20; of copies
the rate of a right answer at rank 1; with --store leave-one-out over all its videos, AP divided by
at most the number of right ones. Each figure is the mean over the seeds of the rotation.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is imported

import numpy as np
import numpy.typing as npt
from real_scores import query_scores
from real_sets import SETS, RealSet, Rows, among, read_set, store_of
from real_world import TUNING, numbers

from chainpipe.hashing.config.presets import RESIDUAL, WITHIN_WHITENING
from chainpipe.hashing.experiments.class_split import read_classes
from chainpipe.hashing.methods.chain.general_hash import general_hash
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.retrieval.hamming import distance_matrix
from chainpipe.pipeline.store import open_store

Floats = npt.NDArray[np.floating]
DIMS = 1024  # components kept: nearly all of the variance
Coder = Callable[[int, int], npt.NDArray[np.bool_]]


def variants(videos: Floats, training: Rows) -> Iterator[tuple[str, Coder]]:
    """Yield names, and functions from length and seed to the codes (B, K) of videos (B, T, D)."""
    frames = videos[training]
    means = videos.mean(axis=1, dtype=np.float32)
    for name, within, whitening, residual in (
        ("PCA-ITQ", 0.0, 0.0, 0.0),
        ("whitening 0.15", 0.0, 0.15, 0.0),
        (f"within-video {WITHIN_WHITENING}", WITHIN_WHITENING, 0.0, 0.0),
        (f"residual {RESIDUAL}", 0.0, 0.0, RESIDUAL),
    ):
        chunk = frames if within else frames.reshape(-1, videos.shape[2])
        pca = fit_pca_whitening([chunk], dims=DIMS, whitening=whitening, within=within)
        yield name, partial(_codes, pca(means), training, residual)


def _codes(
    inputs: Floats, training: Rows, residual: float, bits: int, seed: int
) -> npt.NDArray[np.bool_]:
    """Return PCA-ITQ codes (B, K) of inputs (B, M), ``residual`` of K of what it leaves out."""
    identity = np.eye(inputs.shape[1])  # nothing is undone
    hashed = general_hash(
        inputs[training], identity, bits=bits, count=bits, residual=residual, seed=seed
    )
    return hashed.project(inputs) >= 0


def scores(found: RealSet, codes: npt.NDArray[np.bool_], *, own: bool) -> list[float]:
    """Return a score of each question."""
    packed, means = np.packbits(codes, axis=1, bitorder="little"), []
    for question in found.questions:
        distances = distance_matrix(packed[question.queries], packed[question.database])
        measured = query_scores(distances, question)
        if question.name == "copies":
            means.append(measured.first_tied.mean())
        else:
            means.append((measured.map20_min if own else measured.map20).mean())
    return [float(mean) for mean in means]


def measure(name: str, path: Path, asked: argparse.Namespace) -> None:
    """Print a line for each variant and question of one set."""
    with open_store(path) as store:
        if asked.store:
            rows = np.arange(len(store.videos))
            found = RealSet(rows, (among("all", store.videos, rows),))
        else:
            found = read_set(name, store, listed=tuple(read_classes(asked.listed)))
        videos = store.features(slice(None)).astype(np.float32)
    for label, coder in variants(videos, found.training):
        table = np.array(
            [
                [scores(found, coder(bits, seed), own=bool(asked.store)) for seed in asked.seeds]
                for bits in asked.bits
            ]
        ).mean(axis=1)  # (lengths, questions)
        for question, figures in zip(found.questions, table.T, strict=True):
            shown = " / ".join(f"{figure:.3f}" for figure in figures)
            print(f"{name}, {question.name}: {label}: {shown}", flush=True)


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line, or ``words``, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="folder of the sets of real_world.py")
    parser.add_argument("--sets", nargs="+", default=["*"])
    parser.add_argument("--store", type=Path, help="a labelled store instead of sets")
    parser.add_argument("--listed", type=Path, default=TUNING, help="classes chosen on")
    parser.add_argument("--bits", type=numbers, default=[16, 32, 64])
    parser.add_argument("--seeds", type=numbers, default=[0, 1, 2])
    asked = parser.parse_args(words)
    if bool(asked.out) == bool(asked.store):
        parser.error("give `--out` or `--store`")
    if asked.store:
        measure(asked.store.stem, asked.store, asked)
        return
    for name in (name for name in SETS if any(fnmatch(name, each) for each in asked.sets)):
        measure(name, store_of(name, asked.out, 0), asked)  # of copies the first made set


if __name__ == "__main__":
    main()
