"""Grid of config values: each row of a plan with every combination of the varied keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product

from chainpipe.pipeline.errors import UsageError

from ..config.overrides import Scalar, apply, key_names, parse_value
from ..methods.registry import check_method
from .plan import ExperimentPlan, Variant, config_of

CUSTOM = "custom"
METHOD = "method"  # varied beside config keys, in `custom` only

Grid = Mapping[str, Sequence[Scalar]]


def parse_grid(options: Sequence[str]) -> dict[str, tuple[Scalar, ...]]:
    """Parse ``--vary key=a,b,c`` options; repeated values count once.

    Raises:
        UsageError: If an option has no ``=`` or an empty value, or a key is given twice.

    Example:
        >>> parse_grid(["optim.lr=1e-3,3e-4", "encoder.kind=lstm"])
        {'optim.lr': (0.001, 0.0003), 'encoder.kind': ('lstm',)}
    """
    grid: dict[str, tuple[Scalar, ...]] = {}
    for text in options:
        key, equals, values = text.partition("=")
        key, parts = key.strip(), [part.strip() for part in values.split(",")]
        if not equals or not all((key, *parts)):
            hint = "write `--vary section.key=a,b,c`"
            raise UsageError(f"`--vary {text}` is not a key and its values", hint=hint)
        if key in grid:
            hint = f"write all values in one: `--vary {key}=a,b,c`"
            raise UsageError(f"`{key}` is varied twice", hint=hint)
        grid[key] = tuple({_shown(value): value for value in map(parse_value, parts)}.values())
    return grid


def custom_plan(grid: Grid) -> ExperimentPlan:
    """Return a plan of one row a combination, in which the first row is the reference.

    Args:
        grid: Values by config key; ``method`` varies the method.

    Raises:
        UsageError: If nothing is varied, or a method, key or value is invalid.
    """
    if not grid:
        hint = "`--vary optim.lr=1e-3,3e-4`, or name a TOML file of rows instead of `custom`"
        raise UsageError("`custom` has no rows without `--vary`", hint=hint)
    names = [str(value) for value in grid.get(METHOD, ("chain",))]
    for name in names:
        check_method(name, 1)
    start = ExperimentPlan(
        name=CUSTOM,
        about="Which settings give the best codes?",
        reference="",
        rows=tuple(Variant(label=f"{METHOD}={name}", method=name) for name in names),
    )
    keys = {key: values for key, values in grid.items() if key != METHOD}
    plan = vary(start, keys) if keys else start
    rows = plan.rows
    if METHOD not in grid:  # every label starts with `method=chain, `
        rows = tuple(replace(row, label=row.label.partition(", ")[2]) for row in rows)
    about = f"Which values of {_listed(grid)} give the best codes?"
    return replace(plan, rows=rows, about=about, reference=rows[0].label)


def check_not_set(grid: Grid, fixed: Collection[str]) -> None:
    """Refuse a key that is varied and also set on all rows.

    Raises:
        UsageError: If there is one.
    """
    for key in grid:
        if key in fixed:
            raise UsageError(f"`{key}` is both varied and set", hint=f"leave out `--set {key}=...`")


def vary(plan: ExperimentPlan, grid: Grid) -> ExperimentPlan:
    """Replace each row by one row for each combination of values that its method has keys for.

    Args:
        plan: The rows.
        grid: Values by config key.

    Returns:
        The larger plan; rows of methods without any of the keys are kept as they are.

    Raises:
        UsageError: If a row sets a key itself, no row has it, or a value is invalid.
    """
    _check_grid(plan, grid)
    rows, reference = [], ""
    for row in plan.rows:
        config = config_of(row, {})
        keys = [] if config is None else [key for key in grid if key in key_names(config)]
        combined = [_combined(row, keys, chosen) for chosen in product(*(grid[k] for k in keys))]
        if row.label == plan.reference:
            reference = combined[0].label
        rows += combined
    about = f"{plan.about} Each row is run with all values of {_listed(grid)}."
    return replace(plan, about=about, rows=tuple(rows), reference=reference, varied=tuple(grid))


def _combined(row: Variant, keys: Sequence[str], values: Sequence[Scalar]) -> Variant:
    settings = [f"{key}={_shown(value)}" for key, value in zip(keys, values, strict=True)]
    changed = {**row.values, **dict(zip(keys, values, strict=True))}
    return replace(row, label=", ".join([row.label, *settings]), values=changed)


def _check_grid(plan: ExperimentPlan, grid: Grid) -> None:
    configs = [c for c in (config_of(row, {}) for row in plan.rows) if c is not None]
    if not configs:
        raise UsageError("no row has config keys", hint="leave out `--vary`")
    for key, values in grid.items():
        if key == METHOD:
            message = f"the rows of `{plan.name}` have their methods"
            raise UsageError(message, hint=f"`{CUSTOM}` varies the method, `--rows` selects rows")
        owner = next((row for row in plan.rows if key in row.values), None)
        if owner is not None:
            hint = f"leave the row out with `--rows`, or vary the key in `{CUSTOM}`"
            raise UsageError(f"the row `{owner.label}` sets `{key}` itself", hint=hint)
        having = [config for config in configs if key in key_names(config)]
        for value in values:
            apply((having or configs)[0], {key: value})  # raises, naming the nearest key


def _listed(grid: Grid) -> str:
    return " and ".join(f"`{key}`" for key in grid)


def _shown(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
