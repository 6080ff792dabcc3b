"""Run one row with one code length and seed: train, encode, evaluate, write the result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.store.base import FeatureStore

from ..config import AnyConfig
from ..config.overrides import Scalar
from ..model_folder.folder import ModelFacts
from ..models.hasher import Hasher
from .class_split import split_by_class
from .result import RunResult, code_digest, read_result, write_result


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRun:
    """Settings of one (row, K, seed) on one store; pickled into worker processes.

    Attributes:
        store: The store's path.
        name: The store's name.
        row: The row's label.
        method: One of ``METHODS``.
        config: Training config, may hold ``auto``; ``None`` for methods without keys.
        bits: Code length K.
        seed: Seed of the training.
        folder: The model folder; the result is written beside it.
        made: Method, resolved config and store digest: what must match to keep a result.
        values: Config keys that the row sets.
        listed: Classes that are also evaluated on their own.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Train again even if the model is finished.
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
    values: Mapping[str, Scalar] = field(default_factory=dict)
    listed: tuple[str, ...] = ()
    device: str = "auto"
    restart: bool = False

    @property
    def result_path(self) -> Path:
        """The JSON file of the result."""
        return self.folder.with_name(self.folder.name + ".json")

    def run(self) -> RunResult:
        """Train, encode, evaluate and write the result, as :func:`run_one`."""
        return run_one(self)

    def __str__(self) -> str:
        return f"{self.name}: {self.row}, {self.bits} bits, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall-clock seconds of a training; ``None`` if it was interrupted."""

    cpu: float | None
    wall: float | None


def run_one(run: ExperimentRun) -> RunResult:
    """Train, encode and evaluate on one thread, and write the result; a finished model is kept.

    Raises:
        ChainpipeError: As `train` and `eval` raise it; the message starts with the row.
    """
    from chainpipe.pipeline.store import open_store

    from ..methods.registry import load_hasher
    from ..runtime.determinism import blas_threads, deterministic_torch

    warm_up()
    try:
        with open_store(run.store) as store, blas_threads(1), deterministic_torch(1):
            facts, cost = _train(run, store)
            result = _evaluate(run, store, facts, load_hasher(run.folder)[1], cost)
    except ChainpipeError as error:
        error.args = (f"{run}: {error}",)
        raise
    write_result(run.result_path, result)
    return result


def _train(run: ExperimentRun, store: FeatureStore) -> tuple[ModelFacts, Cost]:
    """Train; a model that was finished before keeps the cost of its result."""
    from ..runs.options import TrainOptions
    from ..runs.train import train

    begun = run.folder.with_name(run.folder.name + ".training").exists() and not run.restart
    cpu, wall = time.process_time(), time.perf_counter()
    options = TrainOptions(
        method=run.method,
        bits=run.bits,
        seed=run.seed,
        config=run.config,
        out=run.folder,
        device=run.device,
        restart=run.restart,
    )
    report = train(store, options)
    cost = Cost(time.process_time() - cpu, time.perf_counter() - wall)
    if report.already_done:
        old = read_result(run.result_path)
        cost = Cost(old.cpu_seconds, old.wall_seconds) if old else Cost(None, None)
    return report.facts, Cost(None, None) if begun else cost


def _evaluate(
    run: ExperimentRun, store: FeatureStore, facts: ModelFacts, hasher: Hasher, cost: Cost
) -> RunResult:
    """Encode the rows that the protocol needs and evaluate all classes and each part."""
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
    for name, part in split_by_class(codes, run.listed).items():
        protocol = choose_protocol(part.labels, part.split, features=backbone)
        scores[name] = evaluate(part, method=run.method, protocol=protocol).to_json()
    return RunResult(
        store=run.name,
        row=run.row,
        bits=run.bits,
        seed=run.seed,
        made=run.made,
        values=dict(run.values),
        listed=list(run.listed),
        scores=scores,
        parameters=sum(parameter_counts(read_tensors(run.folder)).values()),
        cpu_seconds=cost.cpu,
        wall_seconds=cost.wall,
        encode_cpu_seconds=encoding,
        encoded=len(rows),
        model=facts.weights_sha256,
        cached=facts.data.get("cached", ""),
        version=facts.version,
        code=code_digest(),
    )


def warm_up() -> None:
    """Import the libraries first, so that the training's CPU time does not include it."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import torch.nn

    from ..methods import fit

    assert all((matplotlib.backends.backend_agg, matplotlib.figure, torch.nn, fit))
