"""Settings as people write them: TOML in and out, ``--set a.b=value``, near misses named."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from hashing.config import Config
from pipeline.errors import NotFoundError, UsageError

Scalar = str | int | float | bool


def read_toml(path: Path) -> dict[str, Scalar]:
    """Return the ``section.key`` values of a TOML file.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If it is not TOML, or not made of sections.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotFoundError(f"cannot read the config `{path}`: {reason}") from error
    except ValueError as error:
        hint = "`chainpipe train STORE --show-config` prints a valid one"
        raise UsageError(f"`{path}` is not TOML: {error}", hint=hint) from error
    return flatten(content)


def flatten(sections: Mapping[str, Any]) -> dict[str, Scalar]:
    """Turn ``{"order": {"weight": 0}}`` into ``{"order.weight": 0}``."""
    flat: dict[str, Scalar] = {}
    for section, values in sections.items():
        if not isinstance(values, Mapping):
            hint = "keys stand in sections, such as `[optim]`"
            raise UsageError(f"`{section}` is no section", hint=hint)
        flat.update({f"{section}.{name}": value for name, value in values.items()})
    return flat


def parse_assignments(assignments: list[str]) -> dict[str, Scalar]:
    """Read ``--set`` options.

    >>> parse_assignments(["optim.epochs=5", "views.mode=segment"])
    {'optim.epochs': 5, 'views.mode': 'segment'}
    """
    return dict(_parse_assignment(text) for text in assignments)


def _parse_assignment(text: str) -> tuple[str, Scalar]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"`--set {text}` has no `=`", hint="write `--set section.key=value`")
    try:
        return name.strip(), tomllib.loads(f"x = {value}")["x"]
    except ValueError:
        return name.strip(), value.strip()


def apply(config: Config, values: Mapping[str, object]) -> Config:
    """Return the config with some ``section.key`` values replaced, each checked.

    Raises:
        UsageError: If there is no such key, or the value does not fit; the nearest key is named.
    """
    for path, value in values.items():
        if path not in key_names():
            raise UsageError(f"no config key `{path}`", hint=_nearest(path))
        section, name = path.split(".")
        part = getattr(config, section)
        config = replace(config, **{section: replace(part, **{name: _checked(part, name, value)})})
    _check_together(config)
    return config


def key_names() -> list[str]:
    """Return every ``section.key``, in the order of the config."""
    parts = ((section.name, getattr(Config(), section.name)) for section in fields(Config))
    return [f"{section}.{item.name}" for section, part in parts for item in fields(part)]


def _nearest(path: str) -> str:
    names = key_names()
    close = difflib.get_close_matches(path, names, n=1, cutoff=0.5)
    close += [name for name in names if name.split(".")[1] == path.split(".")[-1]]
    if close:
        return f"did you mean `{close[0]}`?"
    return "`chainpipe train STORE --show-config` prints every key"


def _checked(part: Any, name: str, value: object) -> Scalar:
    """Return ``value`` as the key's own type, or say what would fit."""
    where = f"{type(part).__name__.removesuffix('Config').lower()}.{name}"
    meta = next(item.metadata for item in fields(part) if item.name == name)
    for kind in _alternatives(get_type_hints(type(part))[name]):
        if get_origin(kind) is Literal and value in get_args(kind) and isinstance(value, str):
            return value
        if kind is bool and isinstance(value, bool):
            return value
        if kind in (int, float) and _is_number(value, kind):
            amount: float = kind(value)
            if meta["low"] <= amount <= meta["high"]:
                return amount
    raise UsageError(f"`{where}` is `{value}`", hint=_fitting(part, name))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_number(value: object, kind: type) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if kind is float else isinstance(value, int)


def _fitting(part: Any, name: str) -> str:
    """Say which values a key takes."""
    meta = next(item.metadata for item in fields(part) if item.name == name)
    said = []
    for kind in _alternatives(get_type_hints(type(part))[name]):
        if get_origin(kind) is Literal:
            said += [f"`{choice}`" for choice in get_args(kind)]
        elif kind is bool:
            said += ["`true`", "`false`"]
        else:
            noun = "a whole number" if kind is int else "a number"
            said.append(f"{noun} from {meta['low']:g} to {meta['high']:g}")
    return "it takes " + " or ".join(said)


def _check_together(config: Config) -> None:
    encoder = config.encoder
    if encoder.kind == "transformer" and encoder.width % encoder.heads:
        raise UsageError(
            f"`encoder.width` {encoder.width} cannot be shared by {encoder.heads} heads",
            hint="set `encoder.heads` to a divisor of the width",
        )
    views = config.views
    if "auto" not in (views.frames, views.window) and int(views.window) < int(views.frames):
        raise UsageError(
            f"`views.window` {views.window} does not hold `views.frames` {views.frames}",
            hint="set `views.window` to `auto`, or to as many frames or more",
        )
    if views.shift and config.input.unit_frames:
        raise UsageError(
            f"`views.shift` {views.shift:g} does not go with `input.unit_frames`",
            hint="shifts are measured on features of their own length: set one of them off",
        )
    start, end = config.hash.tanh_start, config.hash.tanh_end
    if end < start:
        raise UsageError(
            f"`hash.tanh_end` {end:g} is less than `hash.tanh_start` {start:g}",
            hint="tanh becomes steeper over the training",
        )


def to_dict(config: Config) -> dict[str, dict[str, Scalar]]:
    """Return the config as nested plain values, ready for JSON."""
    return asdict(config)


def from_dict(sections: Mapping[str, Any]) -> Config:
    """Rebuild a config from what :func:`to_dict` returned, checking every value."""
    return apply(Config(), flatten(sections))


def to_toml(config: Config) -> str:
    """Return the config as TOML, each key with its description as a comment."""
    return "\n".join(_toml_lines(config)).lstrip("\n") + "\n"


def _toml_lines(config: Config) -> Iterator[str]:
    for section in fields(config):
        part = getattr(config, section.name)
        yield f"\n# {(type(part).__doc__ or '').splitlines()[0]}"
        yield f"[{section.name}]"
        for item in fields(part):
            value = f"{item.name} = {json.dumps(getattr(part, item.name))}"
            yield f"{value:<26}  # {item.metadata['doc']}"
