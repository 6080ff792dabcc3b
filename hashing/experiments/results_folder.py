"""Read the results that an experiment left in its folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chainpipe.pipeline.errors import NotFoundError

from .result import RunResult, read_result
from .rivals.cases import TITLES
from .rivals.result import RivalResult, read_rival_result

RUNS = "runs"
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class FinishedExperiment:
    """The finished runs of one experiment.

    Attributes:
        name: Of its folder.
        runs: Results of rows of methods or settings, by store, row, length and seed.
        rivals: Results of the rivals' table instead.
    """

    name: str
    runs: Sequence[RunResult]
    rivals: Sequence[RivalResult]


def read_experiment(folder: Path) -> FinishedExperiment:
    """Read every finished run of an experiment's folder.

    Args:
        folder: What ``chainpipe experiment --out`` named.

    Raises:
        NotFoundError: If it has no finished run.
        DamageError: If a result is truncated or altered.
    """
    runs: list[RunResult] = []
    rivals: list[RivalResult] = []
    for path in sorted((folder / RUNS).glob(f"*/*{SUFFIX}")):
        if (result := read_result(path)) is not None:
            runs.append(result)
    for case in TITLES:
        for path in sorted((folder / RUNS).glob(f"*/{case}/*{SUFFIX}")):
            if (rival := read_rival_result(path)) is not None:
                rivals.append(rival)
    if not runs and not rivals:
        hint = "`chainpipe experiment PLAN STORE --out FOLDER` makes one"
        raise NotFoundError(f"no finished run of an experiment in `{folder}`", hint=hint)
    return FinishedExperiment(folder.resolve().name, runs, rivals)
