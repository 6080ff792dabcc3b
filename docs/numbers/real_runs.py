"""One run: train on a set, encode, and score every query of its questions."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from real_results import COSINE, Key, Result, save_result
from real_scores import QueryScores, cosine_distances, query_scores
from real_sets import Question, RealSet, Rows, read_set, store_of

from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data.resplit import trained_on
from chainpipe.hashing.methods.registry import METHODS, load_hasher
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.hashing.retrieval.encode import encode_store
from chainpipe.hashing.retrieval.hamming import distance_matrix
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.runtime.determinism import blas_threads, deterministic_torch
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.base import FeatureStore

PCA_ITQ = "pca-itq"
Packed = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Settings of one run; pickled into worker processes.

    Attributes:
        row: Name of the row in the tables.
        set: One of ``SETS``.
        bits: Code length K; 0 for cosine.
        seed: Of the training; of copies, it chooses the made set, too.
        method: One of ``METHODS``, or ``cosine``.
        values: Config keys and their values.
        paper: Start from the method's ``--paper`` preset.
        joined: Share of the K bits that are PCA-ITQ's, trained apart and joined.
        folder: Where stores and results are.
        listed: Classes that defaults may be chosen on.
    """

    row: str
    set: str
    bits: int
    seed: int
    method: str
    folder: Path
    listed: tuple[str, ...]
    values: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    paper: bool = False
    joined: float = 0.0

    @property
    def key(self) -> Key:
        """What its result is found by."""
        return (self.row, self.set, self.bits, self.seed)

    def __str__(self) -> str:
        return f"{self.row}: {self.set}, {self.bits} bits, seed {self.seed}"

    def made(self) -> dict[str, object]:
        """Return what must match to keep a result."""
        more: dict[str, object] = {"paper": True} if self.paper else {}
        more |= {"joined": self.joined} if self.joined else {}
        return {"method": self.method, **more, **self.values}


@dataclass
class Codes:
    """Bits of some rows and what they took.

    Attributes:
        bits: (B, K) bool, in the order of the asked rows.
        cpu: CPU seconds of the training.
        epochs: Trained.
        videos: Training videos.
        note: Why the codes are those of the start, if they are.
        validation: Label-free metrics of the held-out videos at the end, and ``start ...`` before.
    """

    bits: npt.NDArray[np.bool_]
    cpu: float = 0.0
    epochs: int = 0
    videos: int = 0
    note: str = ""
    validation: dict[str, float] = field(default_factory=dict)


def run_one(run: Run) -> Result:
    """Train, encode and score on one thread; write the result."""
    path = store_of(run.set, run.folder, run.seed)
    with open_store(path) as store, blas_threads(1), deterministic_torch(1):
        found = read_set(run.set, store, listed=run.listed)
        scores, codes = _cosine(store, found) if run.method == COSINE else _coded(run, store, found)
    result = Result(
        row=run.row,
        set=run.set,
        bits=run.bits,
        seed=run.seed,
        made=run.made(),
        cpu=codes.cpu,
        epochs=codes.epochs,
        videos=codes.videos,
        note=codes.note,
        validation=codes.validation,
        scores=scores,
        groups={question.name: question.groups for question in found.questions},
    )
    save_result(run.folder, result)
    return result


def _cosine(store: FeatureStore, found: RealSet) -> tuple[dict[str, QueryScores], Codes]:
    rows = _needed(found)
    means = store.features(rows).mean(axis=1, dtype=np.float64)
    scores = {
        question.name: query_scores(
            cosine_distances(
                means[np.searchsorted(rows, question.queries)],
                means[np.searchsorted(rows, question.database)],
            ),
            question,
        )
        for question in found.questions
    }
    return scores, Codes(np.zeros((0, 0), bool))


def _coded(run: Run, store: FeatureStore, found: RealSet) -> tuple[dict[str, QueryScores], Codes]:
    general = round(run.joined * run.bits)
    rows = _needed(found)
    training = trained_on(store, found.training)
    parts = []
    if run.bits > general:
        parts.append(_train(run, run.method, run.bits - general, training, rows))
    if general:
        parts.append(_train(run, PCA_ITQ, general, training, rows))
    codes = Codes(
        np.hstack([part.bits for part in parts]),
        sum(part.cpu for part in parts),
        max(part.epochs for part in parts),
        parts[0].videos,
        "; ".join(part.note for part in parts if part.note),
        parts[0].validation,
    )
    packed = np.packbits(codes.bits, axis=1, bitorder="little")
    return {q.name: query_scores(_hamming(packed, rows, q), q) for q in found.questions}, codes


def _train(run: Run, method: str, bits: int, store: FeatureStore, rows: Rows) -> Codes:
    """Train one method in a scratch folder and encode some rows."""
    config = METHODS[method].paper if run.paper else METHODS[method].config
    if config is not None and run.values:
        config = apply(config, run.values)
    with tempfile.TemporaryDirectory(prefix="chainpipe-") as scratch:
        folder = Path(scratch) / "model"
        options = TrainOptions(
            method=method, bits=bits, seed=run.seed, config=config, out=folder, device="cpu"
        )
        started = time.process_time()
        report = train(store, options)
        cpu = time.process_time() - started
        facts, hasher = load_hasher(folder)
    codes = encode_store(store, facts, hasher, rows=rows)
    shown = np.unpackbits(codes.packed, axis=1, count=bits, bitorder="little").astype(bool)
    epochs = int(report.history[-1].get("epoch", 0)) if report.history else 0
    videos = int(facts.data["videos"])
    return Codes(shown, cpu, epochs, videos, _note(facts), _validation(report.history))


def _validation(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the validation metrics of the last and, as ``start ...``, of the first epoch."""
    if not history or "val_neighbours_kept" not in history[-1]:
        return {}
    rows = {"": history[-1], "start ": history[0]}
    return {
        before + name: round(value, 5)
        for before, row in rows.items()
        for name, value in row.items()
        if name.startswith("val_")
    }


def _note(facts: ModelFacts) -> str:
    """Return why the codes are those of the start, ``""`` where they were trained."""
    if facts.data.get("start_kept"):
        return "the start was kept"
    return str(facts.data.get("no_epochs") or "")


def _hamming(packed: Packed, rows: Rows, question: Question) -> npt.NDArray[np.uint16]:
    asked = packed[np.searchsorted(rows, question.queries)]
    return distance_matrix(asked, packed[np.searchsorted(rows, question.database)])


def _needed(found: RealSet) -> Rows:
    """Return all rows that the questions need, ascending."""
    parts = [rows for question in found.questions for rows in (question.queries, question.database)]
    return np.unique(np.concatenate(parts))


def warm_up() -> None:
    """Import the libraries first, so that a training's CPU time does not include it."""
    import matplotlib.backends.backend_agg
    import torch.nn

    from chainpipe.hashing.methods import fit
    from chainpipe.hashing.methods.chain import build

    assert all((matplotlib.backends.backend_agg, torch.nn, fit, build))
