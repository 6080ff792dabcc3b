"""Training callbacks: progress and log functions of a run; the run itself never prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..monitoring.failure_signatures import FailureSignature
from ..monitoring.history import HistoryRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Training callbacks.

    Attributes:
        start: Called with a title before each training after the first, see ``compare_tasks``.
        step: Called after each step with the steps done and the number of steps.
        epoch: Called after each epoch with its history row and the number of epochs.
        log: Called with a line about the run.
        warn: Called with a failure signature when it is first found.
    """

    start: Callable[[str], None] = lambda title: None
    step: Callable[[int, int], None] = lambda done, total: None
    epoch: Callable[[HistoryRow, int], None] = lambda row, total: None
    log: Callable[[str], None] = lambda line: None
    warn: Callable[[FailureSignature], None] = lambda signature: None
