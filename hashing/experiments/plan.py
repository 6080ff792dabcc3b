"""An experiment's plan: its rows, each a method with the config keys it sets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from chainpipe.pipeline.errors import UsageError

from ..config import AnyConfig
from ..config.overrides import Scalar, apply, key_names
from ..methods.registry import METHODS, check_method

MAX_SLUG = 100  # characters; a file name has 255 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of an experiment's table.

    Attributes:
        label: Name in tables and plots, unique in its experiment.
        method: One of ``METHODS``.
        paper: Start from the ``--paper`` preset instead of the defaults.
        values: Config keys ``section.key`` that the row sets; they win over ``--set``.
        bits: Code lengths K of this row; empty: those of the experiment.
        group: Rows of one group are listed together.
    """

    label: str
    method: str = "chain"
    paper: bool = False
    values: Mapping[str, Scalar] = field(default_factory=dict)
    bits: tuple[int, ...] = ()
    group: str = ""

    @property
    def slug(self) -> str:
        """The label as the name of a folder.

        >>> Variant(label="chain --paper, 2 Views").slug
        'chain-paper-2-views'
        """
        name = re.sub(r"(?:[^\w.=+]|_)+", "-", self.label.lower()).strip("-")
        if len(name) <= MAX_SLUG:
            return name
        return f"{name[:MAX_SLUG]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """What an experiment compares.

    Attributes:
        name: Name on the command line.
        about: The question it answers, one sentence.
        reference: Label of the row that all others are compared with.
        rows: The variants, in the order of the table.
        varied: Config keys that have a column of their own in the results.
    """

    name: str
    about: str
    reference: str
    rows: tuple[Variant, ...]
    varied: tuple[str, ...] = ()


def config_of(row: Variant, values: Mapping[str, Scalar]) -> AnyConfig | None:
    """Return the training config of a row, which may hold ``auto``.

    Args:
        row: The row.
        values: Keys that are set on all rows; those that the method does not have are skipped.

    Returns:
        The config, or ``None`` for a method without config keys.

    Raises:
        UsageError: If a key or value of the row is invalid, or its method has no preset.
    """
    method = METHODS[row.method]
    start: AnyConfig | None = method.paper if row.paper else method.config
    if method.config is None and row.values:
        key = next(iter(row.values))
        message = f"`{row.method}` has no config keys, so `{row.label}` cannot set `{key}`"
        raise UsageError(message, hint="leave the key out of this row")
    if row.paper and start is None:
        raise UsageError(f"`{row.method}` has no `--paper` preset", hint="leave the row out")
    if start is None:
        return None
    known = {key: value for key, value in values.items() if key in key_names(start)}
    return apply(start, {**known, **row.values})


def select_rows(plan: ExperimentPlan, patterns: Sequence[str]) -> ExperimentPlan:
    """Return a plan with only those rows whose label matches a pattern.

    Args:
        plan: The whole plan.
        patterns: Shell patterns of labels, such as ``paper*``; none: all rows.

    Raises:
        UsageError: If a pattern matches no row.
    """
    for pattern in patterns:
        if not any(fnmatchcase(row.label, pattern) for row in plan.rows):
            hint = "one of: " + ", ".join(f"`{row.label}`" for row in plan.rows)
            raise UsageError(f"no row of `{plan.name}` is called `{pattern}`", hint=hint)
    kept = [row for row in plan.rows if not patterns or _matches(row, patterns)]
    return replace(plan, rows=tuple(kept))


def _matches(row: Variant, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(row.label, pattern) for pattern in patterns)


def check_rows(plan: ExperimentPlan, values: Mapping[str, Scalar]) -> None:
    """Check methods, code lengths, labels, keys and values of all rows before anything runs.

    Args:
        plan: The plan.
        values: Keys that are set on all rows.

    Raises:
        UsageError: If one is invalid, no row has a key, or two rows would share a folder.
    """
    for row in plan.rows:
        for bits in row.bits or (1,):
            check_method(row.method, bits)
    _check_labels(plan)
    _check_keys(plan.rows, values)
    for row in plan.rows:
        config_of(row, values)


def _check_labels(plan: ExperimentPlan) -> None:
    labels: dict[str, str] = {}
    for row in plan.rows:
        if not row.slug:
            raise UsageError(f"a row is called `{row.label}`", hint="a label has letters or digits")
        if row.slug in labels:
            message = f"two rows, `{labels[row.slug]}` and `{row.label}`, have the same folder name"
            raise UsageError(message, hint="give one of them another label")
        labels[row.slug] = row.label


def _check_keys(rows: Sequence[Variant], values: Mapping[str, Scalar]) -> None:
    """Refuse keys that no row has."""
    configs = [c for c in (config_of(row, {}) for row in rows) if c is not None]
    if values and not configs:
        raise UsageError("no row has config keys", hint="leave out `--set`")
    for key in values:
        if not any(key in key_names(config) for config in configs):
            apply(configs[0], {key: values[key]})  # raises, naming the nearest key
