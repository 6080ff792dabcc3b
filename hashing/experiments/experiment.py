"""A whole experiment: every row, length and seed on every store, going on where it was ended."""

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
    """What a user asks of an experiment.

    Attributes:
        stores: Labelled stores.
        bits: Code lengths.
        seeds: How many, from 0.
        values: Config keys that are set on all rows which have them.
        listed: Classes that are reported apart.
        out: Folder of everything that is written.
        workers: Processes, one thread each.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Run everything anew.
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
    """An experiment that is ready to run.

    Attributes:
        grounds: One for each store.
        jobs: All of them, those of the reference first.
        kept: Records of jobs that were finished before, by the job's record path.
    """

    grounds: tuple[StoreCheck, ...]
    jobs: tuple[ExperimentRun, ...]
    kept: dict[Path, RunResult]

    @property
    def waiting(self) -> list[ExperimentRun]:
        """The jobs that are not finished."""
        return [job for job in self.jobs if job.record not in self.kept]


def prepare(plan: ExperimentPlan, asked: ExperimentRequest) -> Experiment:
    """Look at everything before anything is trained.

    Raises:
        UsageError: If a number, a store's name, a row or a kept record does not fit.
        NotFoundError: If a store does not exist.
        DamageError: If a store or a record is damaged.
    """
    _check(plan, asked)
    configs = [config_of(row, asked.values) for row in plan.rows]
    grounds = tuple(check_store(path, configs, asked.listed) for path in asked.stores)
    jobs = [job for ground in grounds for job in _jobs(plan, asked, ground)]
    kept: dict[Path, RunResult] = {}
    for job in [] if asked.restart else jobs:
        record = read_result(job.record)
        if record is not None:
            check_same_settings(record, job.made, job.record)
            kept[job.record] = record
    return Experiment(grounds, tuple(jobs), kept)


def run(
    campaign: Experiment, *, workers: int, done: Callable[[RunResult], None] = lambda record: None
) -> list[RunResult]:
    """Run what is not finished and return all records, in the order of the jobs.

    Raises:
        ChainpipeError: As ``run_in_processes``.
    """
    run_in_processes(campaign.waiting, workers=workers, done=done)
    found = [campaign.kept.get(job.record) or read_result(job.record) for job in campaign.jobs]
    return [record for record in found if record is not None]


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
        for bits in asked.bits:
            check_method(row.method, bits)


def _jobs(
    plan: ExperimentPlan, asked: ExperimentRequest, ground: StoreCheck
) -> list[ExperimentRun]:
    jobs = []
    for row in plan.rows:
        config = config_of(row, asked.values)
        made: dict[str, Any] = {
            "method": row.method,
            "store": ground.digest,
            "apart": " ".join(asked.listed),
            "config": resolved(ground, row.method, config),
        }
        for bits in asked.bits:
            for seed in range(asked.seeds):
                folder = asked.out / "runs" / ground.name / f"{row.slug}-{bits}-{seed}"
                jobs.append(
                    ExperimentRun(
                        store=ground.path,
                        name=ground.name,
                        row=row.label,
                        method=row.method,
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
    return jobs
