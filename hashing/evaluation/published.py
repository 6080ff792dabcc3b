"""Published results of other methods on the benchmarks."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from .evaluate import CUTOFFS
from .metrics import geometric_mean

HALF = 0.0005  # a number of three decimals may be this far off


@dataclass(frozen=True, slots=True)
class PublishedResult:
    """One published row.

    Attributes:
        method: Its name, such as ``ConMH``.
        bits: Code length K.
        map: mAP at each of the six K, divided by K.
        source: Publication it was read from.
        note: Doubts about the numbers; may be empty.
    """

    method: str
    bits: int
    map: dict[int, float]
    source: str
    note: str

    @property
    def gmap(self) -> float:
        """The geometric mean of mAP at the six K."""
        return geometric_mean(list(self.map.values()))

    @property
    def invalid_reason(self) -> str:
        """Why the row cannot be right, empty if it can: K * mAP@K, a growing sum, must not fall."""
        pairs = pairwise(self.map.items())
        falls = [(k, more) for (k, a), (more, b) in pairs if more * (b + HALF) < k * (a - HALF)]
        steps = ", ".join(f"{k} to {more}" for k, more in falls)
        return f"K * mAP@K falls from K = {steps}, so a number must be wrong" if falls else ""

    def to_json(self) -> dict[str, object]:
        """Return the row as JSON values."""
        return {
            "label": "published",
            "method": self.method,
            "bits": self.bits,
            "map": {str(k): value for k, value in self.map.items()},
            "gmap": self.gmap,
            "source": self.source,
            "note": self.note,
            "flaw": self.invalid_reason,
        }


def published(protocol: str, *, bits: int | None = None) -> list[PublishedResult]:
    """Return the published rows of a benchmark, in the order of the file.

    Args:
        protocol: Its name, such as ``fcvid``; others have no rows.
        bits: Only rows of this length.

    Example:
        >>> published("yfcc", bits=64)[0].map[20]
        0.194
    """
    content = tomllib.loads(files(__package__).joinpath("published.toml").read_text("utf-8"))
    rows = []
    for method, facts in content.get(protocol, {}).items():
        source, note = facts.get("source", content["source"]), facts.get("note", "")
        lengths = [int(key) for key in facts if key.isdigit()]
        rows += [
            _published_result(method, length, facts[str(length)], source, note)
            for length in lengths
        ]
    return [row for row in rows if bits in (None, row.bits)]


def _published_result(
    method: str, bits: int, values: Sequence[float], source: str, note: str
) -> PublishedResult:
    return PublishedResult(method, bits, dict(zip(CUTOFFS, values, strict=True)), source, note)
