"""The rivals' experiment: all runs of the asked rows, sizes, seeds and cases; finished are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store import FeatureStore, open_store

from ...config import AnyConfig
from ...config.overrides import Scalar, to_dict
from ...evaluation.copies import SENTENCES, CopiesProtocol
from ..class_split import check_classes
from ..process_pool import run_in_processes
from ..result import check_same_settings
from ..store_check import store_digest
from .cases import COPIES, NEW_LISTED, NEW_REST, OWN, WITHOUT_COPIES, Case, case_rows
from .result import RivalResult, read_rival_result
from .rows import OWN_SIZE, RivalRow
from .run import RivalRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalsRequest:
    """Options of the experiment.

    Attributes:
        stores: Labelled feature stores.
        sizes: Bytes a video.
        seeds: Number of seeds, from 0.
        rows: Rows of the table.
        values: Config keys that are set on all rows which have them.
        listed: Classes of one half of the new content; empty: not measured.
        copies: Store of edited copies and its ``truth.csv``, or ``None``.
        out: Output folder.
        workers: Number of processes, one thread each.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Fit finished runs again.
    """

    stores: tuple[Path, ...]
    sizes: tuple[int, ...]
    seeds: int
    rows: tuple[RivalRow, ...]
    values: Mapping[str, Scalar]
    listed: tuple[str, ...]
    copies: tuple[Path, Path] | None
    out: Path
    workers: int
    device: str
    restart: bool


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """A case whose store was opened and checked.

    Attributes:
        case: The case.
        videos: Number of training videos.
        made: What identifies the store and the question.
        sentences: The protocol in sentences.
    """

    case: Case
    videos: int
    made: dict[str, str]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RivalsExperiment:
    """A checked experiment.

    Attributes:
        cases: The cases, in the order of the report.
        runs: All runs.
        finished: Results of earlier calls by ``RivalRun.result_path``.
    """

    cases: tuple[CheckedCase, ...]
    runs: tuple[RivalRun, ...]
    finished: dict[Path, RivalResult]

    @property
    def pending(self) -> list[RivalRun]:
        """The runs without a result."""
        return [one for one in self.runs if one.result_path not in self.finished]


def prepare_rivals(asked: RivalsRequest) -> RivalsExperiment:
    """Check options, stores, cases and earlier results before anything is fitted.

    Raises:
        UsageError: If a number, class or set of videos is invalid, or a result has other settings.
        NotFoundError: If a store or the truth of the copies does not exist.
        DamageError: If a store or a result is damaged.
    """
    _check_numbers(asked)
    cases = tuple(_checked(case, asked.listed) for case in _cases(asked))
    configs = {row.label: row.config(asked.values) for row in asked.rows}
    runs = tuple(run for each in cases for run in _runs(asked, each, configs))
    finished: dict[Path, RivalResult] = {}
    for one in [] if asked.restart else runs:
        result = read_rival_result(one.result_path)
        if result is not None:
            check_same_settings(result.made, one.made, one.result_path)
            finished[one.result_path] = result
    return RivalsExperiment(cases, runs, finished)


def run_rivals(
    experiment: RivalsExperiment,
    *,
    workers: int,
    done: Callable[[RivalResult], None] = lambda result: None,
) -> list[RivalResult]:
    """Run what is pending and return all results in the order of the runs.

    Args:
        experiment: As :func:`prepare_rivals` returns it.
        workers: Number of processes.
        done: Called with each new result as soon as it is written.

    Raises:
        ChainpipeError: As ``run_in_processes``.
    """
    run_in_processes(experiment.pending, workers=workers, done=done)
    paths = [one.result_path for one in experiment.runs]
    found = [experiment.finished.get(path) or read_rival_result(path) for path in paths]
    return [result for result in found if result is not None]


def _check_numbers(asked: RivalsRequest) -> None:
    if asked.seeds < 1:
        raise UsageError(f"`--seeds {asked.seeds}` is impossible", hint="1 or more")
    if asked.workers < 1:
        raise UsageError(f"`--workers {asked.workers}` is impossible", hint="1 or more")
    for size in asked.sizes:
        if size < 1:
            raise UsageError(f"`--bytes {size}` is impossible", hint="1 or more")
    names = [path.stem for path in asked.stores] + [path.stem for path in (asked.copies or ())[:1]]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"two stores are called `{twice[0]}`", hint="rename one of them")


def _cases(asked: RivalsRequest) -> list[Case]:
    found = []
    for path in asked.stores:
        names = (OWN, NEW_REST, NEW_LISTED) if asked.listed else (OWN,)
        found += [Case(name=name, store=path, listed=asked.listed) for name in names]
    if asked.copies is not None:
        store, truth = asked.copies
        found += [Case(name=name, store=store, truth=truth) for name in (COPIES, WITHOUT_COPIES)]
    return found


def _checked(case: Case, listed: Sequence[str]) -> CheckedCase:
    with open_store(case.store) as store:
        if case.truth is None:
            check_classes(listed, store.videos.label_names)
        rows = case_rows(case, store)
        copies = isinstance(rows.protocol, CopiesProtocol)
        sentences = (
            SENTENCES
            if isinstance(rows.protocol, CopiesProtocol)
            else tuple(rows.protocol.sentences()[:3])
        )
        asked = f"{len(rows.protocol.queries)} queries, {len(rows.protocol.database)} searched."
        made = _identity(case, store)
    assert copies == (case.truth is not None)
    return CheckedCase(case, len(rows.training), made, (*sentences, asked))


def _identity(case: Case, store: FeatureStore) -> dict[str, str]:
    made = {"store": store_digest(store), "case": case.name, "listed": " ".join(case.listed)}
    if case.truth is not None:
        made["truth"] = _file_digest(case.truth)
    return made


def _file_digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise NotFoundError(f"cannot read `{path}`: {error.strerror or error}") from error


def _runs(
    asked: RivalsRequest, checked: CheckedCase, configs: Mapping[str, AnyConfig | None]
) -> list[RivalRun]:
    case, runs = checked.case, []
    for row in asked.rows:
        config = configs[row.label]
        made: dict[str, Any] = {
            **checked.made,
            "row": row.label,
            "config": {} if config is None else to_dict(config),
        }
        sizes = (OWN_SIZE,) if row.own_size else asked.sizes
        for size in sizes:
            if not row.has_size(size, videos=checked.videos):
                continue
            for seed in range(asked.seeds if row.seeded else 1):
                name = f"{row.slug}-{size}-{seed}" if size else f"{row.slug}-{seed}"
                runs.append(
                    RivalRun(
                        case=case,
                        row=row.label,
                        config=config,
                        size=size,
                        seed=seed,
                        folder=asked.out / "runs" / case.store.stem / case.name / name,
                        made=made,
                        device=asked.device,
                        restart=asked.restart,
                    )
                )
    return runs
