"""One run of a row: train, encode, evaluate, keep the record. A finished one is a no-op."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.store.base import FeatureStore

from ..config import AnyConfig
from ..model_folder.folder import ModelFacts
from ..models.hasher import Hasher
from .class_split import split_by_class
from .result import RunResult, code_digest, read_result, write_result


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRun:
    """One (row, bits, seed) on one store; it is sent to other processes as it is.

    Attributes:
        store: The store's path.
        name: The store's name.
        row: The row's label.
        method: One of ``METHODS``.
        config: What it trains with, may hold ``auto``; ``None`` for methods without keys.
        bits: K.
        seed: Of everything that is drawn.
        folder: The model folder; the record lies beside it.
        made: What the record says it was made from.
        listed: Classes that are reported apart.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Train anew whatever is there.
    """

    store: Path
    name: str
    row: str
    method: str
    config: AnyConfig | None
    bits: int
    seed: int
    folder: Path
    made: dict[str, Any]
    listed: tuple[str, ...] = ()
    device: str = "auto"
    restart: bool = False

    @property
    def record(self) -> Path:
        """Where the record lies."""
        return self.folder.with_name(self.folder.name + ".json")

    def __str__(self) -> str:
        return f"{self.name}: {self.row}, {self.bits} bits, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a training took; ``None`` where only a part of it was seen."""

    cpu: float | None
    wall: float | None


def run_one(job: ExperimentRun) -> RunResult:
    """Train, encode and evaluate on one thread, and write the record.

    Raises:
        ChainpipeError: As `train` and `eval` do; the message begins with the row.
    """
    from chainpipe.pipeline.store import open_store

    from ..methods.registry import load_hasher
    from ..runtime.determinism import blas_threads, deterministic_torch

    _warm_up()
    try:
        with open_store(job.store) as store, blas_threads(1), deterministic_torch(1):
            facts, cost = _trained(job, store)
            record = _judged(job, store, facts, load_hasher(job.folder)[1], cost)
    except ChainpipeError as error:
        error.args = (f"{job}: {error}",)
        raise
    write_result(job.record, record)
    return record


def _trained(job: ExperimentRun, store: FeatureStore) -> tuple[ModelFacts, Cost]:
    """Train; the cost of a model that was begun or finished before is that of its record."""
    from ..runs.options import TrainOptions
    from ..runs.train import train

    begun = job.folder.with_name(job.folder.name + ".training").exists() and not job.restart
    cpu, wall = time.process_time(), time.perf_counter()
    options = TrainOptions(
        method=job.method,
        bits=job.bits,
        seed=job.seed,
        config=job.config,
        out=job.folder,
        device=job.device,
        restart=job.restart,
    )
    report = train(store, options)
    cost = Cost(time.process_time() - cpu, time.perf_counter() - wall)
    if report.already_done:
        old = read_result(job.record)
        cost = Cost(old.cpu_seconds, old.wall_seconds) if old else Cost(None, None)
    return report.facts, Cost(None, None) if begun else cost


def _judged(
    job: ExperimentRun, store: FeatureStore, facts: ModelFacts, hasher: Hasher, cost: Cost
) -> RunResult:
    """Encode what the protocol needs and evaluate it, whole and in parts."""
    from ..evaluation.choose_protocol import choose_protocol, only_needed
    from ..evaluation.evaluate import evaluate
    from ..model_folder.folder import read_tensors
    from ..model_folder.parameters import parameter_counts
    from ..retrieval.encode import encode_store

    videos, backbone = store.videos, store.meta.fingerprint.backbone
    rows, _ = only_needed(choose_protocol(videos.labels, videos.split, features=backbone))
    started = time.process_time()
    codes = encode_store(store, facts, hasher, rows=rows)
    encoding = time.process_time() - started
    scores: dict[str, dict[str, Any]] = {}
    for name, part in split_by_class(codes, job.listed).items():
        protocol = choose_protocol(part.labels, part.split, features=backbone)
        scores[name] = evaluate(part, method=job.method, protocol=protocol).to_json()
    return RunResult(
        store=job.name,
        row=job.row,
        bits=job.bits,
        seed=job.seed,
        made=job.made,
        listed=list(job.listed),
        scores=scores,
        parameters=sum(parameter_counts(read_tensors(job.folder)).values()),
        cpu_seconds=cost.cpu,
        wall_seconds=cost.wall,
        encode_cpu_seconds=encoding,
        encoded=len(rows),
        model=facts.weights_sha256,
        cached=facts.data.get("cached", ""),
        version=facts.version,
        code=code_digest(),
    )


def _warm_up() -> None:
    """Load the libraries, which is no part of what a training costs."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import torch.nn

    from ..methods import fit

    assert all((matplotlib.backends.backend_agg, matplotlib.figure, torch.nn, fit))


OnResult = Callable[[RunResult], None]
