"""Building blocks of a config: field metadata (description, range) and the base class."""

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
    """Return the metadata of a key.

    Args:
        doc: One-line description, printed by ``--show-config``.
        low: Minimum of a number.
        high: Maximum of a number.
        choices: Returns the valid values of a ``str``.
    """
    return {"doc": doc, "low": low, "high": high, "choices": choices}


@dataclass(frozen=True, slots=True)
class AnyConfig:
    """Base class of the config of a learned method: one field a section.

    A field that is a mapping contains the sections of plug-ins by name.
    """

    def check(self) -> None:
        """Check the constraints between keys; each value alone has been checked before.

        Raises:
            UsageError: If two values contradict each other.
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
