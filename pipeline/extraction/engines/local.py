"""The local engine: threads of this process, each driving a decode child of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from ...decode import DecodeWorker
from ...options import DecodeLimits
from ..duplicates import Duplicate
from ..output import Output
from ..signals import StopRequest
from ..video_reader import Outcome, VideoJob, VideoReader
from ..worker_pool import WorkerPool
from .base import Duplicates, cpu_of_children


class LocalEngine:
    """Works in this process, see ``Engine``.

    Args:
        root: The folder that paths are relative to, ``os.fsencode``.
        workers: Videos decoded at a time.
        limits: Resources that one video may use.
        follow_symlinks: Whether links may point outside ``root``.
        stop: Checked between two videos.
    """

    def __init__(
        self,
        root: bytes,
        *,
        workers: int,
        limits: DecodeLimits,
        follow_symlinks: bool,
        stop: StopRequest,
    ) -> None:
        self.decode_seconds = 0.0
        self._root, self._stop = root, stop
        self._workers, self._limits, self._follow_symlinks = workers, limits, follow_symlinks

    def read(
        self, jobs: Sequence[VideoJob], outputs: Sequence[Output], advance: Callable[[int], None]
    ) -> Duplicates:
        """Decode what is to be decoded here."""
        duplicates: Duplicates = []
        reader = VideoReader(
            self._root,
            [output.spec for output in outputs],
            [output.claims for output in outputs],
            follow_symlinks=self._follow_symlinks,
        )
        workers = min(self._workers, len(jobs))
        limits, before = self._limits, cpu_of_children()
        with ExitStack() as at_end:
            for output in outputs:
                at_end.callback(output.commit, force=True)
            pool = WorkerPool(jobs, reader, workers=workers, decoder=lambda: DecodeWorker(limits))
            for outcomes in at_end.enter_context(pool).results():
                if outcomes is not None:
                    duplicates += _record(outcomes, outputs)
                    advance(1)
                for output in outputs:
                    output.commit()
                self._stop.check()
        self.decode_seconds += cpu_of_children() - before
        return duplicates


def _record(outcomes: Mapping[int, Outcome], outputs: Sequence[Output]) -> Duplicates:
    """Record a video's result in each store; return the stores where it is a duplicate."""
    for number, outcome in outcomes.items():
        if not isinstance(outcome, Duplicate):
            outputs[number].record(outcome)
    return [
        (number, duplicate)
        for number, duplicate in outcomes.items()
        if isinstance(duplicate, Duplicate)
    ]
