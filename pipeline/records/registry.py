"""Registries: what can be chosen by name, ours or a plug-in's."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..errors import UsageError

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A module outside the package that registers something.

    Attributes:
        spec: What loads it: a path or a dotted module name; ``""`` for a script or a notebook.
        file: Name of its file, without folders.
        sha256: Of its bytes, hexadecimal; ``""`` where there is no file.
    """

    spec: str
    file: str
    sha256: str


LOADING: ContextVar[Plugin | None] = ContextVar("LOADING", default=None)  # the plug-in that is read


@dataclass(frozen=True, slots=True)
class Lazy:
    """An object of this package that is imported when it is first asked for.

    Attributes:
        module: Dotted name.
        name: Of the object in the module.
    """

    module: str
    name: str

    def load(self) -> Any:
        """Return the object."""
        return getattr(importlib.import_module(self.module), self.name)


class Registry(Generic[Entry]):
    """Objects by name, in the order in which they were registered.

    Args:
        kind: What they are, such as ``loss``; errors say it.
        ours: Those of the package; a ``Lazy`` one is imported when it is first asked for.
        also: Names that errors list beside the registered ones.

    Example:
        >>> shapes = Registry("shape", {"circle": 0})
        >>> shapes.add("square", 4)
        >>> shapes.names(), shapes["square"]
        (('circle', 'square'), 4)
    """

    def __init__(self, kind: str, ours: Mapping[str, Entry | Lazy], *, also: str = "") -> None:
        self.kind, self._also = kind, also
        self._entries: dict[str, Entry | Lazy] = dict(ours)
        self._plugins: dict[str, Plugin] = {}

    def names(self) -> tuple[str, ...]:
        """Return every name."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Entry:
        """Return what is registered under a name.

        Raises:
            UsageError: If there is nothing.
        """
        if name not in self._entries:
            known = ", ".join(f"`{each}`" for each in self._entries)
            hint = f"one of {known}{self._also}; `--plugin FILE` adds others"
            raise UsageError(f"no {self.kind} `{name}`", hint=hint)
        entry = self._entries[name]
        if isinstance(entry, Lazy):
            entry = self._entries[name] = entry.load()
        return entry

    def add(self, name: str, entry: Entry, *, source: object = None) -> None:
        """Register an object; the same class of the same module may be registered again.

        Args:
            name: Lower case letters, digits, ``-`` and ``_``, beginning with a letter.
            entry: The object.
            source: The class or function that the user wrote, if it is not ``entry`` itself.

        Raises:
            UsageError: If the name cannot be typed, or is taken.
        """
        if not name.replace("-", "_").isidentifier() or name != name.lower():
            hint = "lower case letters, digits, `-` and `_`, beginning with a letter"
            raise UsageError(f"`{name}` is no name for a {self.kind}", hint=hint)
        plugin = _plugin_of(entry if source is None else source)
        if name in self._entries and not _same_file(self._plugins.get(name), plugin):
            there = self._plugins[name].file if name in self._plugins else "chainpipe itself"
            message = f"the {self.kind} `{name}` is registered twice: in {there} and {plugin.file}"
            raise UsageError(message, hint="give one of them another name")
        self._entries[name], self._plugins[name] = entry, plugin

    def plugin(self, name: str) -> Plugin | None:
        """Return the plug-in that registered a name, or ``None`` for one of ours."""
        return self._plugins.get(name)

    def plugins(self) -> dict[str, Plugin]:
        """Return the names that plug-ins registered, each with its plug-in."""
        return dict(self._plugins)

    def forget(self) -> None:
        """Remove everything that plug-ins registered."""
        for name in self._plugins:
            del self._entries[name]
        self._plugins.clear()


def _same_file(old: Plugin | None, new: Plugin) -> bool:
    return old is not None and (old.spec, old.file) == (new.spec, new.file)


def _plugin_of(source: object) -> Plugin:
    """Return the plug-in that is being read, or what is known of an object's own module."""
    if (loading := LOADING.get()) is not None:
        return loading
    module = sys.modules.get(getattr(source, "__module__", "") or "")
    path = getattr(module, "__file__", None)
    if path is None:
        return Plugin("", "a notebook or a session", "")
    return Plugin("", Path(path).name, sha256_of(Path(path)))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
