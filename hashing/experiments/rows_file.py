"""Rows of a user's own from a TOML file: each ``[[row]]`` a label, a method and its settings."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import NotFoundError, UsageError

from ..config.aliases import canonical_values
from ..config.overrides import Scalar, flatten
from .plan import ExperimentPlan, Variant

HINT = 'write `[[row]]`, `label = "..."` and `set.optim.lr = 0.001` for each row'
TOP, ROW = ("about", "reference", "row"), ("label", "method", "paper", "bits", "set")


def read_rows(path: Path, tell: Callable[[str], None] = lambda line: None) -> ExperimentPlan:
    """Read the plan of a TOML file; the first row is the reference unless the file names one.

    Args:
        path: The file; its stem is the name of the experiment.
        tell: Called with a line for each old name of a config key.

    Raises:
        NotFoundError: If the file cannot be read.
        UsageError: If it is not TOML, has no rows, or a table has an unknown or unfit key.
    """
    content = _read(path)
    _check_keys(content, TOP, f"`{path}`")
    tables = content.get("row", [])
    if not isinstance(tables, list) or not tables:
        raise UsageError(f"`{path}` has no rows", hint=HINT)
    rows = tuple(_row(table, number, tell) for number, table in enumerate(tables, start=1))
    reference = _typed(content, "reference", str, f"`{path}`", rows[0].label)
    if reference not in [row.label for row in rows]:
        hint = "one of: " + ", ".join(f"`{row.label}`" for row in rows)
        raise UsageError(f"the reference `{reference}` is not the label of a row", hint=hint)
    return ExperimentPlan(
        name=path.stem,
        about=_typed(content, "about", str, f"`{path}`", f"The rows of {path.name}."),
        reference=reference,
        rows=rows,
        varied=tuple(dict.fromkeys(key for row in rows for key in row.values)),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotFoundError(f"cannot read the rows `{path}`: {reason}", hint=HINT) from error
    except ValueError as error:
        raise UsageError(f"`{path}` is not TOML: {error}", hint=HINT) from error


def _row(table: Any, number: int, tell: Callable[[str], None]) -> Variant:
    where = f"row {number}"
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is not a table", hint=HINT)
    _check_keys(table, ROW, where)
    method: str = _typed(table, "method", str, where, "chain")
    return Variant(
        label=_typed(table, "label", str, where, method),
        method=method,
        paper=_typed(table, "paper", bool, where, False),
        values=canonical_values(_settings(_typed(table, "set", dict, where, {})), tell),
        bits=_lengths(table.get("bits", []), where),
    )


def _settings(found: Mapping[str, Any]) -> dict[str, Scalar]:
    """Flatten ``set.optim.lr = 1`` and ``set = {"optim.lr" = 1}`` to the same ``section.key``."""
    dotted = {key: value for key, value in found.items() if "." in key}
    return {**flatten({k: v for k, v in found.items() if k not in dotted}), **dotted}


def _lengths(found: Any, where: str) -> tuple[int, ...]:
    lengths = found if isinstance(found, list) else [found]
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in lengths):
        hint = "a code length or a list of them, such as `[16, 32]`"
        raise UsageError(f"`bits` of {where} is `{found}`", hint=hint)
    return tuple(dict.fromkeys(lengths))


def _typed(table: Mapping[str, Any], key: str, kind: type, where: str, default: Any) -> Any:
    found = table.get(key, default)
    if not isinstance(found, kind):
        nouns = {str: "a text in quotes", bool: "`true` or `false`", dict: "a table of config keys"}
        raise UsageError(f"`{key}` of {where} is `{found}`", hint=f"it takes {nouns[kind]}")
    return found


def _check_keys(table: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            close = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
            near = [f"did you mean `{one}`?" for one in close]
            hint = near[0] if near else "it takes " + ", ".join(f"`{one}`" for one in allowed)
            raise UsageError(f"{where} has no key `{key}`", hint=hint)
