"""The coordinator of many machines: cuts units, takes results back, leases lost units again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ...console import Talk
from ...errors import DamageError
from ...records import FailedVideo, Status
from ...store import parts_of
from ..options import ExtractOptions
from ..output import Output
from ..signals import StopRequest
from ..video_reader import Job
from .base import Twins
from .work_unit import Unit, UnitReport, write_known

LEASES = 3
WORDS = 300  # characters of a reason


class LostUnitError(Exception):
    """A machine took a unit and brought nothing back.

    Args:
        words: What the pool's library says of it; the first :data:`WORDS` characters are kept.
    """

    def __init__(self, words: object) -> None:
        super().__init__(" ".join(str(words).split())[:WORDS])


class Pool(Protocol):
    """Machines that work on units."""

    def run(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, UnitReport | Exception] | None]:
        """Yield what became of each unit as it comes; ``None`` now and then while none does.

        A unit whose machine died comes back with a :class:`LostUnitError`; what a unit itself
        raised comes back as it is.
        """
        ...

    def close(self) -> None:
        """Take back what has not begun and let go of the machines."""
        ...


class LeasingEngine:
    """Works through a pool, see ``Engine``.

    The journals are the only truth about what is done: a unit counts when its files are adopted.

    Args:
        pool: The machines.
        options: The run's.
        stop: Looked at between two units.
        talk: Hears of lost units.
    """

    def __init__(self, pool: Pool, options: ExtractOptions, stop: StopRequest, talk: Talk) -> None:
        self._pool, self._stop, self._talk = pool, stop, talk
        self._options = _everywhere(options)
        self._units = 0
        self.decode_seconds = 0.0

    def read(
        self, jobs: Sequence[Job], outputs: Sequence[Output], advance: Callable[[int], None]
    ) -> Twins:
        """Lease all jobs in units until each has come back, or was lost too often."""
        for output in outputs:
            write_known(output.out, output.claims.contents())
        twins: Twins = []
        left, leases = list(self._cut(jobs, outputs)), Counter[int]()
        try:
            while left:
                lost = []
                for unit, came in self._came(left):
                    try:
                        twins += self._adopt(came, outputs)
                        advance(len(unit.jobs))
                    except (LostUnitError, DamageError) as error:
                        lost.append((unit, str(error)))
                left = self._again(lost, leases, outputs, advance)
        finally:
            self._pool.close()
        return twins

    def _cut(self, jobs: Sequence[Job], outputs: Sequence[Output]) -> Iterator[Unit]:
        size, orders = self._options.unit_videos, tuple(output.journal.order for output in outputs)
        for start in range(0, len(jobs), size):
            self._units += 1
            part = tuple(jobs[start : start + size])
            yield Unit(self._units, part, self._options, orders)

    def _came(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, UnitReport | Exception]]:
        """Yield what came back, and look now and then whether to stop."""
        for came in self._pool.run(units):
            self._stop.check()
            if came is not None:
                yield came

    def _adopt(self, report: UnitReport | Exception, outputs: Sequence[Output]) -> Twins:
        """Take a unit's files; raise if it or one of them is lost, or what the unit raised."""
        if isinstance(report, Exception):
            raise report
        self.decode_seconds += report.decode_seconds
        for output, seconds in zip(outputs, report.backbone_seconds, strict=True):
            output.recipe.clock.add(seconds)
        for number, name in report.files.items():
            outputs[number].adopt(parts_of(outputs[number].out) / name)
        return report.twins

    def _again(
        self, lost: Sequence[tuple[Unit, str]], leases: Counter[int], outputs: Sequence[Output],
        advance: Callable[[int], None],
    ) -> list[Unit]:  # fmt: skip
        """Return the units to lease once more; the videos of the others have failed."""
        leases.update(unit.number for unit, _ in lost)
        for unit, why in lost:
            given_up = leases[unit.number] >= LEASES
            what = "given up" if given_up else "leased again"
            self._talk.warn(f"unit {unit.number} was lost and is {what}: {why}")
            if given_up:
                self._give_up(unit, why, outputs)
                advance(len(unit.jobs))
        return [unit for unit, _ in lost if leases[unit.number] < LEASES]

    def _give_up(self, unit: Unit, why: str, outputs: Sequence[Output]) -> None:
        words = f"the unit of this video was lost {LEASES} times, at last: {why}"
        for job in unit.jobs:
            for number in job.stores:
                attempts = job.attempts + 1
                outputs[number].note(FailedVideo(job.item.path, Status.CRASHED, words, attempts))


def _everywhere(options: ExtractOptions) -> ExtractOptions:
    """Return the options with paths that hold on every machine of a shared file system."""
    return replace(
        options, out=_absolute(options.out),
        more=tuple((name, _absolute(out)) for name, out in options.more),
    )  # fmt: skip


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
