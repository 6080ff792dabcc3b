"""Run an experiment: each row, code length and seed on each store; finished runs are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import UsageError

from ..config.overrides import Scalar
from ..methods.registry import check_method
from .plan import ExperimentPlan, config_of
from .process_pool import run_in_processes
from .result import RunResult, check_same_settings, read_result
from .run import ExperimentRun
from .store_check import StoreCheck, check_store, resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest:
    """Options of an experiment.

    Attributes:
        stores: Labelled feature stores.
        bits: Code lengths K of rows without their own.
        seeds: Number of seeds, from 0.
        values: Config keys that are set on all rows which have them.
        listed: Classes that are also evaluated on their own.
        out: Output folder.
        workers: Number of processes, one thread each.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Train finished runs again.
    """

    stores: tuple[Path, ...]
    bits: tuple[int, ...]
    seeds: int
    values: Mapping[str, Scalar]
    listed: tuple[str, ...]
    out: Path
    workers: int
    device: str
    restart: bool


@dataclass(frozen=True, slots=True)
class Experiment:
    """A checked experiment: its stores, its runs and the results that exist.

    Attributes:
        checks: One for each store.
        runs: All runs, in the order of stores, rows, code lengths and seeds.
        finished: Results of earlier calls by ``ExperimentRun.result_path``.
    """

    checks: tuple[StoreCheck, ...]
    runs: tuple[ExperimentRun, ...]
    finished: dict[Path, RunResult]

    @property
    def pending(self) -> list[ExperimentRun]:
        """The runs without a result."""
        return [one for one in self.runs if one.result_path not in self.finished]


def prepare(plan: ExperimentPlan, asked: ExperimentRequest) -> Experiment:
    """Check options, rows, stores and earlier results before anything is trained.

    Raises:
        UsageError: If a number, a store's name or a row is invalid, or a result has other settings.
        NotFoundError: If a store does not exist.
        DamageError: If a store or a result is damaged.
    """
    _check(plan, asked)
    configs = [config_of(row, asked.values) for row in plan.rows]
    checks = tuple(check_store(path, configs, asked.listed) for path in asked.stores)
    runs = [one for check in checks for one in _runs(plan, asked, check)]
    finished: dict[Path, RunResult] = {}
    for one in [] if asked.restart else runs:
        result = read_result(one.result_path)
        if result is not None:
            check_same_settings(result.made, one.made, one.result_path)
            finished[one.result_path] = result
    return Experiment(checks, tuple(runs), finished)


def run(
    experiment: Experiment, *, workers: int, done: Callable[[RunResult], None] = lambda result: None
) -> list[RunResult]:
    """Run what is pending and return all results in the order of the runs.

    Args:
        experiment: As :func:`prepare` returns it.
        workers: Number of processes.
        done: Called with each new result as soon as it is written.

    Raises:
        ChainpipeError: As ``run_in_processes``.
    """
    run_in_processes(experiment.pending, workers=workers, done=done)
    paths = [one.result_path for one in experiment.runs]
    found = [experiment.finished.get(path) or read_result(path) for path in paths]
    return [result for result in found if result is not None]


def _check(plan: ExperimentPlan, asked: ExperimentRequest) -> None:
    if asked.seeds < 1:
        raise UsageError(f"`--seeds {asked.seeds}` is impossible", hint="1 or more")
    if asked.workers < 1:
        raise UsageError(f"`--workers {asked.workers}` is impossible", hint="1 or more")
    names = [path.stem for path in asked.stores]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"two stores are called `{twice[0]}`", hint="rename one of them")
    for row in plan.rows:
        for bits in row.bits or asked.bits:
            check_method(row.method, bits)


def _runs(plan: ExperimentPlan, asked: ExperimentRequest, check: StoreCheck) -> list[ExperimentRun]:
    runs = []
    for row in plan.rows:
        config = config_of(row, asked.values)
        common: dict[str, Any] = {
            "method": row.method,
            "store": check.digest,
            "apart": " ".join(asked.listed),
        }
        for bits in row.bits or asked.bits:
            made = {**common, "config": resolved(check, row.method, config, bits=bits)}
            for seed in range(asked.seeds):
                folder = asked.out / "runs" / check.name / f"{row.slug}-{bits}-{seed}"
                runs.append(
                    ExperimentRun(
                        store=check.path,
                        name=check.name,
                        row=row.label,
                        method=row.method,
                        values=row.values,
                        config=config,
                        bits=bits,
                        seed=seed,
                        folder=folder,
                        made=made,
                        listed=asked.listed,
                        device=asked.device,
                        restart=asked.restart,
                    )
                )
    return runs
