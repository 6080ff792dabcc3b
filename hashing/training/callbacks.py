"""Training callbacks: functions that a run calls as it goes; a run itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..monitoring.failure_signatures import FailureSignature
from ..monitoring.history import HistoryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What a training run calls.

    Attributes:
        step: With the steps done and their total, after each step.
        epoch: With the means of each finished epoch, and how many epochs there are.
        log: With a line about the run.
        warn: With a failure signature when it is first found.
    """

    step: Callable[[int, int], None] = lambda done, total: None
    epoch: Callable[[HistoryRow, int], None] = lambda row, total: None
    log: Callable[[str], None] = lambda line: None
    warn: Callable[[FailureSignature], None] = lambda signature: None
