"""What a config key carries, its meaning and the range of its numbers, and what a config is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Auto = Literal["auto"]


def about(doc: str, *, low: float = 0.0, high: float = 1e9) -> dict[str, Any]:
    """Describe a key: what it means, and the range of its numbers."""
    return {"doc": doc, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class AnyConfig:
    """All sections of a run of some learned method: a field a section."""

    def check(self) -> None:
        """Refuse values that do not fit together; each alone was checked before.

        Raises:
            UsageError: Saying which would.
        """
