"""What a config key carries, its meaning and the range of its numbers, and what a config is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeVar

Auto = Literal["auto"]


def about(
    doc: str,
    *,
    low: float = 0.0,
    high: float = 1e9,
    choices: Callable[[], Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Describe a key.

    Args:
        doc: What it means.
        low: The least number that it takes.
        high: The greatest.
        choices: Of a ``str``: returns the words that it takes.
    """
    return {"doc": doc, "low": low, "high": high, "choices": choices}


@dataclass(frozen=True, slots=True)
class AnyConfig:
    """All sections of a run of some learned method: a field a section.

    A field that is a mapping holds further sections by name, those of plug-ins.
    """

    def check(self) -> None:
        """Refuse values that do not fit together; each alone was checked before.

        Raises:
            UsageError: Saying which would.
        """


Chosen = TypeVar("Chosen", bound=AnyConfig)


def sections(config: AnyConfig) -> dict[str, Any]:
    """Return every section of a config by name, in its order."""
    found: dict[str, Any] = {}
    for item in fields(config):
        part = getattr(config, item.name)
        found.update(part if isinstance(part, Mapping) else {item.name: part})
    return found


def with_section(config: Chosen, name: str, part: object) -> Chosen:
    """Return a config with one of its sections replaced."""
    for field_name, known in _mappings(config):
        if name in known:
            return replace(config, **{field_name: {**known, name: part}})
    return replace(config, **{name: part})


def _mappings(config: AnyConfig) -> Iterator[tuple[str, Mapping[str, object]]]:
    for item in fields(config):
        part = getattr(config, item.name)
        if isinstance(part, Mapping):
            yield item.name, part
