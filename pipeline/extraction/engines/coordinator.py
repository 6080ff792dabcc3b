"""The coordinator of many machines: cuts units, takes results back, leases lost units again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ...console import Console
from ...errors import DamageError
from ...records import FailedVideo, Status
from ...store import parts_of
from ..options import ExtractOptions
from ..output import Output
from ..signals import StopRequest
from ..video_reader import VideoJob
from .base import Duplicates
from .work_unit import UnitReport, WorkUnit, write_known

MAX_LEASES = 3
MAX_REASON = 300  # characters of a reason


class LostUnitError(Exception):
    """A machine took a unit and brought nothing back.

    Args:
        words: Error text of the pool's library; the first :data:`MAX_REASON` characters are kept.
    """

    def __init__(self, words: object) -> None:
        super().__init__(" ".join(str(words).split())[:MAX_REASON])


class Pool(Protocol):
    """Machines that work on units."""

    def run(
        self, units: Sequence[WorkUnit]
    ) -> Iterator[tuple[WorkUnit, UnitReport | Exception] | None]:
        """Yield what became of each unit as it comes; ``None`` now and then while none does.

        A unit whose machine died comes back with a :class:`LostUnitError`; what a unit itself
        raised comes back as it is.
        """
        ...

    def close(self) -> None:
        """Cancel units that have not begun and release the machines."""
        ...


class LeasingEngine:
    """Works through a pool, see ``Engine``.

    Only the journals state what is done: a unit counts when its files are imported.

    Args:
        pool: The machines.
        options: The run's.
        stop: Polled between two units.
        console: Receives messages about lost units.
    """

    def __init__(
        self, pool: Pool, options: ExtractOptions, stop: StopRequest, console: Console
    ) -> None:
        self._pool, self._stop, self._talk = pool, stop, console
        self._options = _with_absolute_paths(options)
        self._units = 0
        self.decode_seconds = 0.0

    def read(
        self, jobs: Sequence[VideoJob], outputs: Sequence[Output], advance: Callable[[int], None]
    ) -> Duplicates:
        """Lease all jobs in units until each has come back, or was lost too often."""
        for output in outputs:
            write_known(output.out, output.claims.contents())
        duplicates: Duplicates = []
        left, leases = list(self._make_units(jobs, outputs)), Counter[int]()
        try:
            while left:
                lost = []
                for unit, outcome in self._completed(left):
                    try:
                        duplicates += self._import_unit(outcome, outputs)
                        advance(len(unit.jobs))
                    except (LostUnitError, DamageError) as error:
                        lost.append((unit, str(error)))
                left = self._units_to_retry(lost, leases, outputs, advance)
        finally:
            self._pool.close()
        return duplicates

    def _make_units(
        self, jobs: Sequence[VideoJob], outputs: Sequence[Output]
    ) -> Iterator[WorkUnit]:
        size, journal_specs = (
            self._options.engine.unit_videos,
            tuple(output.journal.spec for output in outputs),
        )
        for start in range(0, len(jobs), size):
            self._units += 1
            part = tuple(jobs[start : start + size])
            yield WorkUnit(self._units, part, self._options, journal_specs)

    def _completed(
        self, units: Sequence[WorkUnit]
    ) -> Iterator[tuple[WorkUnit, UnitReport | Exception]]:
        """Yield what came back, and look now and then whether to stop."""
        for outcome in self._pool.run(units):
            self._stop.check()
            if outcome is not None:
                yield outcome

    def _import_unit(self, report: UnitReport | Exception, outputs: Sequence[Output]) -> Duplicates:
        """Take a unit's files; raise if it or one of them is lost, or what the unit raised."""
        if isinstance(report, Exception):
            raise report
        self.decode_seconds += report.decode_seconds
        for output, seconds in zip(outputs, report.backbone_seconds, strict=True):
            output.spec.clock.add(seconds)
        for number, name in report.files.items():
            outputs[number].import_unit(parts_of(outputs[number].out) / name)
        return report.duplicates

    def _units_to_retry(
        self,
        lost: Sequence[tuple[WorkUnit, str]],
        leases: Counter[int],
        outputs: Sequence[Output],
        advance: Callable[[int], None],
    ) -> list[WorkUnit]:
        """Return the units to lease once more; the videos of the others have failed."""
        leases.update(unit.number for unit, _ in lost)
        for unit, why in lost:
            given_up = leases[unit.number] >= MAX_LEASES
            what = "given up" if given_up else "leased again"
            self._talk.warn(f"unit {unit.number} was lost and is {what}: {why}")
            if given_up:
                self._give_up(unit, why, outputs)
                advance(len(unit.jobs))
        return [unit for unit, _ in lost if leases[unit.number] < MAX_LEASES]

    def _give_up(self, unit: WorkUnit, why: str, outputs: Sequence[Output]) -> None:
        words = f"the unit of this video was lost {MAX_LEASES} times, at last: {why}"
        for job in unit.jobs:
            for number in job.stores:
                attempts = job.attempts + 1
                outputs[number].record(FailedVideo(job.item.path, Status.CRASHED, words, attempts))


def _with_absolute_paths(options: ExtractOptions) -> ExtractOptions:
    """Return the options with paths that hold on every machine of a shared file system."""
    return replace(options, targets=tuple((name, _absolute(out)) for name, out in options.targets))


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
