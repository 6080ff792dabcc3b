"""Limits of the server: sizes, counts and times of requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainpipe.pipeline.options import available_cpus, require_at_least

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one server takes on at a time.

    Attributes:
        upload: Most bytes of an uploaded file.
        readers: Uploads that are decoded at a time.
        uploads: Uploads that are received, waiting and decoded, together; the next one is refused.
        searches: Searches that wait for their turn; the next one is refused.
        connections: Open connections.
        answers: Most answers to a query.
        silence: Seconds without a byte of an upload.
        receiving: Seconds until an upload is received whole.
        reading: Seconds until an upload is decoded.
    """

    upload: int = 500 * MEGABYTE
    readers: int = field(default_factory=available_cpus)
    uploads: int = 32
    searches: int = 512
    connections: int = 1024
    answers: int = 1000
    silence: float = 30.0
    receiving: float = 600.0
    reading: float = 120.0

    def __post_init__(self) -> None:
        names = ("upload", "readers", "uploads", "searches", "connections", "answers")
        require_at_least(self, 1, *names)
