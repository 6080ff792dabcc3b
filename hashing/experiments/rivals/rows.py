"""Rows of the rivals' table: learned codes, binary baselines, quantizers and vectors of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from chainpipe.pipeline.errors import UsageError

from ...config import AnyConfig
from ...config.overrides import Scalar, apply, key_names
from ...methods.registry import MAX_BITS, METHODS
from ...methods.representations.base import F32, HashCodes, Representation
from ...methods.representations.floats import fit_cosine, fit_pca_numbers
from ...methods.representations.quantizers import CENTROIDS, RabitqCodes, fit_product_codes
from ...methods.representations.signs import fit_signs
from ..catalog import SHORT
from ..plan import Variant, config_of

OWN_SIZE = 0
"""Size of a row that has only one size of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRow:
    """One row of the table.

    Attributes:
        label: Name in tables and plots, unique.
        about: What it is.
        variant: Method and settings of a row whose model `train` makes; else ``None``.
        fit: Fits another row: mean features of the training videos (N, D), bytes and seed.
        trained: Whether it is trained by gradients, not fitted in closed form or by k-means.
        own_size: Whether it has one size of its own, which ``--bytes`` does not change.
        least_videos: Training videos that it needs.
        least_bytes: Smallest size in bytes.
        seeded: Whether the seed changes it.
        on_request: Whether it runs only if ``--rows`` names it exactly.
    """

    label: str
    about: str
    variant: Variant | None = None
    fit: Callable[[F32, int, int], Representation] | None = None
    trained: bool = False
    own_size: bool = False
    least_videos: int = 2
    least_bytes: int = 1
    seeded: bool = True
    on_request: bool = False

    @property
    def slug(self) -> str:
        """The label as the name of a folder."""
        return Variant(label=self.label).slug

    def has_size(self, size: int, *, videos: int) -> bool:
        """Return whether the row can be fitted at a size in bytes on some training videos."""
        if self.variant is not None and 8 * size > MAX_BITS:
            return False
        return videos >= self.least_videos and size % self.least_bytes == 0

    def config(self, values: Mapping[str, Scalar]) -> AnyConfig | None:
        """Return the config of a row that `train` makes, with keys that are set on all rows."""
        return None if self.variant is None else config_of(self.variant, values)


def _codes(
    label: str,
    about: str,
    *,
    trained: bool = False,
    on_request: bool = False,
    paper: bool = False,
    method: str = "",
    values: Mapping[str, Scalar] | None = None,
) -> RivalRow:
    variant = Variant(label=label, method=method or label, paper=paper, values=values or {})
    return RivalRow(
        label=label, about=about, variant=variant, trained=trained, on_request=on_request
    )


def rival_rows() -> tuple[RivalRow, ...]:
    """Return all rows in the order of the table; those of learned plug-in methods come last."""
    return (
        _codes("chain", "CHAIN with its defaults", trained=True),
        _codes("chain --paper", "CHAIN as published", trained=True, paper=True, method="chain"),
        _codes(
            f"conmh, {SHORT} epochs",
            f"ConMH, {SHORT} epochs",
            trained=True,
            method="conmh",
            values={"optim.epochs": SHORT},
        ),
        _codes("conmh", "ConMH, its published epochs", trained=True, on_request=True),
        *_others(),
        _codes("pca-itq", "PCA and the rotation with the least quantization error"),
        _codes("hashing-baseline", "PCA and a random rotation"),
        _codes("lsh", "random directions"),
        RivalRow(
            label="pq",
            about="product quantization of faiss, asymmetric distance",
            fit=lambda means, size, seed: fit_product_codes(means, size, seed=seed),
            least_videos=CENTROIDS,
        ),
        RivalRow(
            label="pca int8",
            about="PCA, a byte a component, cosine",
            fit=lambda means, size, seed: fit_pca_numbers(means, size, "int8"),
            seeded=False,
        ),
        RivalRow(
            label="pca float16",
            about="PCA, two bytes a component, cosine",
            fit=lambda means, size, seed: fit_pca_numbers(means, size, "float16"),
            least_bytes=2,
            seeded=False,
        ),
        RivalRow(
            label="sign",
            about="signs of all features around their mean",
            fit=lambda means, size, seed: HashCodes(fit_signs(means)),
            own_size=True,
            seeded=False,
        ),
        RivalRow(
            label="rabitq",
            about="RaBitQ of faiss: a bit a feature and 8 bytes of correction",
            fit=lambda means, size, seed: RabitqCodes(means, seed=seed),
            own_size=True,
        ),
        RivalRow(
            label="cosine",
            about="all features as float32, centred",
            fit=lambda means, size, seed: fit_cosine(means),
            own_size=True,
            seeded=False,
        ),
    )


def _others() -> list[RivalRow]:
    """Return a row for each other learned method, such as CroVCA-like and those of plug-ins."""
    named = [name for name in METHODS if METHODS[name].config is not None]
    return [
        _codes(name, METHODS[name].about, trained=True)
        for name in named
        if name not in ("chain", "conmh")
    ]


def select_rival_rows(rows: Sequence[RivalRow], patterns: Sequence[str]) -> tuple[RivalRow, ...]:
    """Return the rows that match a pattern; none: all but those that run on request only.

    Args:
        rows: All rows.
        patterns: Shell patterns of labels.

    Raises:
        UsageError: If a pattern matches no row.
    """
    for pattern in patterns:
        if not any(fnmatchcase(row.label, pattern) for row in rows):
            hint = "one of: " + ", ".join(f"`{row.label}`" for row in rows)
            raise UsageError(f"no row of `rivals` is called `{pattern}`", hint=hint)
    return tuple(row for row in rows if _selected(row, patterns))


def check_values(rows: Sequence[RivalRow], values: Mapping[str, Scalar]) -> None:
    """Check keys that are set on all rows which have them.

    Raises:
        UsageError: If no row has a key, or a value is invalid.
    """
    configs = [config for row in rows if (config := row.config({})) is not None]
    if values and not configs:
        raise UsageError("no row has config keys", hint="leave out `--set`")
    for key, value in values.items():
        if not any(key in key_names(config) for config in configs):
            apply(configs[0], {key: value})  # raises, naming the nearest key
    for row in rows:
        row.config(values)


def _selected(row: RivalRow, patterns: Sequence[str]) -> bool:
    if row.on_request:
        return row.label in patterns
    return not patterns or any(fnmatchcase(row.label, pattern) for pattern in patterns)
