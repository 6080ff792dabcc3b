"""Read and write configs: TOML, ``--set section.key=value``, suggestions for misspelt keys."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from chainpipe.pipeline.errors import UsageError

from . import AnyConfig
from .aliases import KEYS, canonical
from .fields import Chosen, sections, with_section
from .losses import LOSSES
from .nearest_key import nearest_keys

Scalar = str | int | float | bool


def read_toml(path: Path) -> dict[str, Scalar]:
    """Read a TOML file to ``section.key`` values.

    Raises:
        UsageError: If it cannot be read, is not TOML, or has keys outside of sections.
    """
    hint = "`chainpipe train STORE --show-config` prints a valid one"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read the config `{path}`: {reason}", hint=hint) from error
    except ValueError as error:
        raise UsageError(f"`{path}` is not TOML: {error}", hint=hint) from error
    return flatten(content)


def flatten(sections: Mapping[str, Any]) -> dict[str, Scalar]:
    """Flatten ``{"order": {"weight": 0}}`` to ``{"order.weight": 0}``."""
    flat: dict[str, Scalar] = {}
    for section, values in sections.items():
        if not isinstance(values, Mapping):
            hint = "keys belong in sections, such as `[optim]`"
            raise UsageError(f"`{section}` is not a section", hint=hint)
        flat.update({f"{section}.{name}": value for name, value in values.items()})
    return flat


def parse_assignments(assignments: Sequence[str]) -> dict[str, Scalar]:
    """Parse ``--set`` options to ``section.key`` values.

    >>> parse_assignments(["optim.epochs=5", "views.mode=segment"])
    {'optim.epochs': 5, 'views.mode': 'segment'}
    """
    return dict(_parse_assignment(text) for text in assignments)


def _parse_assignment(text: str) -> tuple[str, Scalar]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"`--set {text}` has no `=`", hint="write `--set section.key=value`")
    return name.strip(), parse_value(value)


def parse_value(text: str) -> Scalar:
    """Parse a value as TOML; text that is not TOML is a string without quotes.

    >>> parse_value("1e-3"), parse_value("true"), parse_value("lstm")
    (0.001, True, 'lstm')
    """
    try:
        value: Scalar = tomllib.loads(f"x = {text}")["x"]
    except ValueError:
        # A bare word, so that `views.mode=segment` needs no quotes.
        return text.strip()
    return value


def apply(config: Chosen, values: Mapping[str, object]) -> Chosen:
    """Return the config with ``section.key`` values replaced; aliases of keys are resolved.

    Raises:
        UsageError: If a key does not exist (the nearest one is named), or its value is invalid.
    """
    for given, value in values.items():
        path, _ = canonical(given)
        if path not in key_names(config):
            raise UsageError(f"no config key `{path}`", hint=_nearest(path, key_names(config)))
        section, name = path.split(".")
        part = sections(config)[section]
        part = replace(part, **{name: _checked(path, part, value)})
        config = with_section(config, section, part)
    config.check()
    return config


def key_names(config: AnyConfig) -> list[str]:
    """Return every ``section.key`` of a config, in order of definition."""
    parts = sections(config).items()
    return [f"{section}.{item.name}" for section, part in parts for item in fields(part)]


def _nearest(path: str, names: list[str]) -> str:
    old = {canonical(alias)[0]: alias for alias in KEYS}
    close = nearest_keys(path, [*names, *(old[name] for name in names if name in old)])
    if close:
        meant = dict.fromkeys(canonical(name)[0] for name in close)
        return f"did you mean {' or '.join(f'`{name}`' for name in meant)}?"
    return "`chainpipe train STORE --show-config` prints every key"


def _checked(path: str, part: Any, value: object) -> Scalar:
    """Convert ``value`` to the key's type, or raise with the valid values."""
    name = path.split(".")[1]
    meta = next(item.metadata for item in fields(part) if item.name == name)
    for kind in _alternatives(get_type_hints(type(part))[name]):
        if get_origin(kind) is Literal and value in get_args(kind) and isinstance(value, str):
            return value
        if kind is str and value in _words(meta):
            return str(value)
        if kind is bool and isinstance(value, bool):
            return value
        if kind in (int, float) and _is_number(value, kind):
            amount: float = kind(value)
            if meta["low"] <= amount <= meta["high"]:
                return amount
    raise UsageError(f"`{path}` is `{value}`", hint=_fitting(part, name))


def _words(meta: Mapping[str, Any]) -> Sequence[str]:
    """Return the valid values of a key of type ``str``."""
    return meta["choices"]() if meta.get("choices") else ()


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_number(value: object, kind: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if kind is float else isinstance(value, int)


def _fitting(part: Any, name: str) -> str:
    """Describe the valid values of a key."""
    meta = next(item.metadata for item in fields(part) if item.name == name)
    options = []
    for kind in _alternatives(get_type_hints(type(part))[name]):
        if get_origin(kind) is Literal:
            options += [f"`{choice}`" for choice in get_args(kind)]
        elif kind is str:
            options += [f"`{word}`" for word in _words(meta)]
        elif kind is bool:
            options += ["`true`", "`false`"]
        else:
            noun = "an integer" if kind is int else "a number"
            options.append(f"{noun} from {meta['low']:g} to {meta['high']:g}")
    return "it takes " + " or ".join(options)


def to_dict(config: AnyConfig) -> dict[str, dict[str, Scalar]]:
    """Convert a config to nested plain values, ready for JSON.

    Disabled losses of plug-ins are left out: the model is the same without them, and loads where
    the plug-in is not installed.
    """
    return {n: asdict(part) for n, part in sections(config).items() if not _unused(n, part)}


def _unused(section: str, part: Any) -> bool:
    return LOSSES.plugin(section) is not None and part.weight == 0


def from_dict(sections: Mapping[str, Any], defaults: Chosen) -> Chosen:
    """Build a config from the result of :func:`to_dict`, checking every value.

    Args:
        sections: Nested plain values.
        defaults: A config of the same method, for missing keys.
    """
    return apply(defaults, flatten(sections))


def to_toml(config: AnyConfig) -> str:
    """Format a config as TOML, each key with its description as a comment."""
    return "\n".join(_toml_lines(config)).lstrip("\n") + "\n"


def _toml_lines(config: AnyConfig) -> Iterator[str]:
    for name, part in sections(config).items():
        yield f"\n# {(type(part).__doc__ or '').splitlines()[0]}"
        yield f"[{name}]"
        for item in fields(part):
            value = f"{item.name} = {json.dumps(getattr(part, item.name))}"
            yield f"{value:<26}  # {item.metadata['doc']}"
