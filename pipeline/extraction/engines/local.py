"""The local engine: threads of this process, each driving a decode child of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from ...decode import DecodeWorker
from ..duplicates import Twin
from ..options import ExtractOptions
from ..output import Output
from ..signals import StopRequest
from ..video_reader import Job, Outcome, VideoReader
from ..worker_pool import Crew
from .base import Twins, cpu_of_children


class LocalEngine:
    """Works in this process, see ``Engine``.

    Args:
        root: The folder that paths are relative to, ``os.fsencode``.
        options: Workers, limits and links.
        stop: Looked at between two videos.
    """

    def __init__(self, root: bytes, options: ExtractOptions, stop: StopRequest) -> None:
        self.decode_seconds = 0.0
        self._root, self._options, self._stop = root, options, stop

    def read(
        self, jobs: Sequence[Job], outputs: Sequence[Output], advance: Callable[[int], None]
    ) -> Twins:
        """Decode what is to be decoded here."""
        twins: Twins = []
        reader = VideoReader(
            self._root, [output.recipe for output in outputs],
            [output.claims for output in outputs], follow_symlinks=self._options.follow_symlinks,
        )  # fmt: skip
        workers = min(self._options.workers, len(jobs))
        limits, before = self._options.limits, cpu_of_children()
        with ExitStack() as at_end:
            for output in outputs:
                at_end.callback(output.commit, everything=True)
            crew = Crew(jobs, reader, workers=workers, decoder=lambda: DecodeWorker(limits))
            for outcomes in at_end.enter_context(crew).results():
                if outcomes is not None:
                    twins += _note(outcomes, outputs)
                    advance(1)
                for output in outputs:
                    output.commit()
                self._stop.check()
        self.decode_seconds += cpu_of_children() - before
        return twins


def _note(outcomes: Mapping[int, Outcome], outputs: Sequence[Output]) -> Twins:
    """Hand each store what became of a video; return the stores where it is a twin."""
    for number, outcome in outcomes.items():
        if not isinstance(outcome, Twin):
            outputs[number].note(outcome)
    return [(number, twin) for number, twin in outcomes.items() if isinstance(twin, Twin)]
