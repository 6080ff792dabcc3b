"""The Slurm engine: one job a unit, a few in the queue at a time, through submitit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError, missing_package
from ...options import EngineOptions
from .coordinator import LostUnitError
from .settings import Settings
from .work_unit import UnitReport, WorkUnit, attempt

LOOK_SECONDS = 0.5  # between two looks at the jobs' files


class SlurmPool:
    """Jobs of a Slurm cluster, see ``Pool``.

    Settings: ``jobs`` (in the queue at a time, 8), ``cluster`` (``slurm``, or ``local`` for a trial
    without a cluster), ``folder`` (of logs), and every parameter of submitit's ``AutoExecutor``,
    such as ``partition``, ``timeout_min``, ``gpus_per_node``, ``mem_gb``.

    Args:
        engine: Its settings; ``workers`` is the CPUs of a job.
        logs: Default folder of the jobs' logs.

    Raises:
        UsageError: If submitit is not installed, there is no Slurm, or a setting is unknown.
    """

    def __init__(self, engine: EngineOptions, *, logs: Path) -> None:
        settings = Settings(engine.engine_options)
        self._jobs = settings.number("jobs", 8)
        cluster = settings.word("cluster", "slurm")
        folder = Path(settings.word("folder", str(logs)))
        self._executor = _executor(folder, cluster, engine.workers, settings.rest())
        self._queued: dict[Any, WorkUnit] = {}

    def run(
        self, units: Sequence[WorkUnit]
    ) -> Iterator[tuple[WorkUnit, UnitReport | Exception] | None]:
        """Keep some jobs in the queue; yield the result of each."""
        waiting = deque(units)
        while waiting or self._queued:
            while waiting and len(self._queued) < self._jobs:
                unit = waiting.popleft()
                self._queued[self._executor.submit(attempt, unit)] = unit
            ended = [job for job in self._queued if job.done()]
            for job in ended:
                yield self._queued.pop(job), _outcome(job)
            if not ended:
                yield None
                time.sleep(LOOK_SECONDS)

    def close(self) -> None:
        """Cancel what is in the queue."""
        for job in self._queued:
            job.cancel()
        self._queued.clear()


def _outcome(job: Any) -> UnitReport | Exception:
    error = job.exception()
    if error is not None:  # `attempt` raises nothing: the job was killed, or lost its machine
        return LostUnitError(error)
    found: UnitReport | Exception = job.result()
    return found


def _executor(folder: Path, cluster: str, workers: int, rest: dict[str, int | str]) -> Any:
    try:
        import submitit
    except ImportError as error:
        raise missing_package("`--engine slurm`", "submitit", extra="slurm") from error
    try:
        executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
        shared = submitit.AutoExecutor._typed_parameters()
        named = {n if n in shared else f"slurm_{n}": value for n, value in rest.items()}
        defaults = {"cpus_per_task": workers, "name": "chainpipe", "timeout_min": 24 * 60}
        executor.update_parameters(**(defaults | named))
    except (AssertionError, NameError, RuntimeError, ValueError) as error:
        reason = str(error).split("\n")[0]
        hint = "settings are those of submitit, such as `partition=gpu`, `timeout_min=600`"
        raise UsageError(f"the Slurm engine refuses: {reason}", hint=hint) from error
    return executor
