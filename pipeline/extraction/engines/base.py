"""Engine protocol: run jobs and write their results to the stores."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from typing import Protocol

from ..duplicates import Duplicate
from ..output import Output
from ..video_reader import VideoJob

Duplicates = list[tuple[int, Duplicate]]
"""Videos with another one's bytes, each with the number of the store that lacks it."""


class Engine(Protocol):
    """Reads jobs somewhere and brings what became of them into the outputs.

    Attributes:
        decode_seconds: CPU time of the decoding processes so far.
    """

    decode_seconds: float

    def read(
        self, jobs: Sequence[VideoJob], outputs: Sequence[Output], advance: Callable[[int], None]
    ) -> Duplicates:
        """Process the jobs; return the duplicates, to be resolved at the end.

        Raises:
            Interrupted: If a signal asked to stop; all finished videos are committed.
            StorageError: If the disk does not take a shard.
        """
        ...


def cpu_of_children() -> float:
    """Return the CPU seconds of this process's ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
