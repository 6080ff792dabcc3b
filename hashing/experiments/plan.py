"""A row of an experiment: a method, what is set on it, and the runs that it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from chainpipe.pipeline.errors import UsageError

from ..config import AnyConfig
from ..config.overrides import Scalar, apply, key_names
from ..methods.registry import METHODS, check_method


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One line of a table.

    Attributes:
        label: Its name in tables, unique in its experiment.
        method: One of ``METHODS``.
        paper: Begin with the ``--paper`` preset instead of the defaults.
        values: Config keys ``section.key`` that the row sets, over everything else.
        group: What it belongs to in tables and pictures.
    """

    label: str
    method: str = "chain"
    paper: bool = False
    values: Mapping[str, Scalar] = field(default_factory=dict)
    group: str = ""

    @property
    def slug(self) -> str:
        """The label as the name of a folder.

        >>> Variant(label="chain --paper, 2 Views").slug
        'chain-paper-2-views'
        """
        return re.sub(r"[^a-z0-9.=+]+", "-", self.label.lower()).strip("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPlan:
    """An experiment on paper.

    Attributes:
        name: As the command line has it.
        about: What it asks, a sentence.
        reference: The label of the row that all others are compared with.
        rows: In the order of the table.
    """

    name: str
    about: str
    reference: str
    rows: tuple[Variant, ...]


def config_of(row: Variant, values: Mapping[str, Scalar]) -> AnyConfig | None:
    """Return what a row trains with, may hold ``auto``; ``None`` for methods without keys.

    Args:
        row: Which.
        values: Keys that are set on all rows; those that the method does not have are passed over.

    Raises:
        UsageError: If a value does not fit.
    """
    method = METHODS[row.method]
    start: AnyConfig | None = method.paper if row.paper else method.config
    if row.paper and start is None:
        raise UsageError(f"`{row.method}` has no `--paper` preset", hint="leave the row out")
    if start is None:
        return None
    known = {key: value for key, value in values.items() if key in key_names(start)}
    return apply(start, {**known, **row.values})


def chosen(
    plan: ExperimentPlan, patterns: Sequence[str], values: Mapping[str, Scalar]
) -> ExperimentPlan:
    """Return a plan with only some of its rows, after a look whether everything fits.

    Args:
        plan: The whole one.
        patterns: Shell patterns of labels, such as ``paper*``; none: all rows.
        values: Keys that are set on all rows.

    Raises:
        UsageError: If a pattern fits no row, no row has a key, or a value does not fit.
    """
    for pattern in patterns:
        if not any(fnmatchcase(row.label, pattern) for row in plan.rows):
            hint = "one of: " + ", ".join(f"`{row.label}`" for row in plan.rows)
            raise UsageError(f"no row of `{plan.name}` is called `{pattern}`", hint=hint)
    rows = [row for row in plan.rows if not patterns or _fits(row, patterns)]
    _check_keys(rows, values)
    for row in rows:
        check_method(row.method, 1)
        config_of(row, values)
    return ExperimentPlan(
        name=plan.name, about=plan.about, reference=plan.reference, rows=tuple(rows)
    )


def _fits(row: Variant, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(row.label, pattern) for pattern in patterns)


def _check_keys(rows: Sequence[Variant], values: Mapping[str, Scalar]) -> None:
    """Refuse keys that no row has."""
    configs = [c for c in (config_of(row, {}) for row in rows) if c is not None]
    if values and not configs:
        raise UsageError("no row has config keys", hint="leave out `--set`")
    for key in values:
        if not any(key in key_names(config) for config in configs):
            apply(configs[0], {key: values[key]})  # names the nearest key
