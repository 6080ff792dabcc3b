"""One run of the rivals' table: fit a row at a size with a seed, score it, write the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.store.base import FeatureStore

from ...config import AnyConfig
from ...data.resplit import trained_on
from ...data.training_set import TrainingFrames
from ...methods.representations.base import HashCodes, Representation
from ...retrieval.hamming import Rows
from ..result import code_digest
from .cases import Case, case_rows
from .result import RivalResult, read_rival_result, write_rival_result
from .rows import RivalRow, rival_rows
from .score import score


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRun:
    """Settings of one (row, size, seed) in one case; pickled into worker processes.

    Attributes:
        case: What is trained on and asked.
        row: The row's label.
        config: Training config of a row that `train` makes, may hold ``auto``.
        size: Bytes a video; 0 for a row with a size of its own.
        seed: Seed of the fit.
        folder: Model folder of a row that `train` makes; the result is written beside it.
        made: Settings that must match to keep a result.
        device: ``auto``, ``cpu`` or ``cuda``.
        restart: Fit again even if a model is finished.
    """

    case: Case
    row: str
    config: AnyConfig | None
    size: int
    seed: int
    folder: Path
    made: dict[str, Any]
    device: str = "auto"
    restart: bool = False

    @property
    def result_path(self) -> Path:
        """The JSON file of the result."""
        return self.folder.with_name(self.folder.name + ".json")

    def __str__(self) -> str:
        size = f"{self.size} bytes, " if self.size else ""
        return f"{self.case.store.stem}, {self.case.title}: {self.row}, {size}seed {self.seed}"

    def run(self) -> RivalResult:
        """Fit, score and write the result, on one thread.

        Raises:
            ChainpipeError: As `train` raises it; the message starts with the row.
        """
        import faiss

        from chainpipe.pipeline.store import open_store

        from ...runtime.determinism import blas_threads, deterministic_torch
        from ..run import warm_up

        warm_up()
        faiss.omp_set_num_threads(1)
        row = next(each for each in rival_rows() if each.label == self.row)
        try:
            with open_store(self.case.store) as store, blas_threads(1), deterministic_torch(1):
                rows = case_rows(self.case, store)
                fitted, cpu = self._fit(row, store, rows.training)
                found = score(fitted, store, rows.protocol)
        except ChainpipeError as error:
            error.args = (f"{self}: {error}",)
            raise
        result = RivalResult(
            store=self.case.store.stem,
            case=self.case.name,
            row=self.row,
            size=self.size,
            bytes=found.bytes,
            seed=self.seed,
            videos=len(rows.training),
            scores=found.scores,
            train_cpu=cpu,
            query_cpu=found.query_cpu,
            made=self.made,
            version=installed_version(),
            code=code_digest(),
        )
        write_rival_result(self.result_path, result)
        return result

    def _fit(
        self, row: RivalRow, store: FeatureStore, training: Rows
    ) -> tuple[Representation, float | None]:
        """Fit the row; return it and its CPU seconds."""
        begun = time.process_time()
        if row.fit is not None:
            fitted = row.fit(TrainingFrames(store, training).means(), self.size, self.seed)
            return fitted, time.process_time() - begun
        return self._train(row, trained_on(store, training))

    def _train(self, row: RivalRow, store: FeatureStore) -> tuple[Representation, float | None]:
        """Train a model into the folder; a finished one keeps the cost of its result."""
        from ...methods.registry import load_hasher
        from ...runs.options import TrainOptions
        from ...runs.train import train

        assert row.variant is not None
        interrupted = self.folder.with_name(self.folder.name + ".training").exists()
        begun = time.process_time()
        options = TrainOptions(
            method=row.variant.method,
            bits=8 * self.size,
            seed=self.seed,
            config=self.config,
            out=self.folder,
            device=self.device,
            restart=self.restart,
        )
        report = train(store, options)
        cpu: float | None = time.process_time() - begun
        if report.already_done:
            old = read_rival_result(self.result_path)
            cpu = None if old is None else old.train_cpu
        elif interrupted and not self.restart:
            cpu = None
        return HashCodes(load_hasher(self.folder)[1]), cpu
