"""What a config key carries: its meaning, and the range of its numbers."""

from __future__ import annotations

from typing import Any, Literal

Auto = Literal["auto"]


def about(doc: str, *, low: float = 0.0, high: float = 1e9) -> dict[str, Any]:
    """Describe a key: what it means, and the range of its numbers."""
    return {"doc": doc, "low": low, "high": high}
