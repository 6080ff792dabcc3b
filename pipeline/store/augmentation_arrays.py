"""Store augmentation statistics (feature shifts) as arrays and one attribute."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from ..records import AugmentationStatistics
from .integrity.table_digest import sha256
from .layout import Array

ATTRIBUTE = "augmentation"
_ARRAYS = ("mean", "basis", "residual")
_FACTS = ("explained", "shared", "videos", "shifts", "augmentation", "mode", "seed")
NAMES = tuple(f"augmentation/{name}" for name in _ARRAYS)


def to_arrays(statistics: AugmentationStatistics) -> dict[str, Array]:
    """Return the arrays below ``augmentation/``."""
    pairs = zip(NAMES, _ARRAYS, strict=True)
    return {name: getattr(statistics, field).astype("<f4") for name, field in pairs}


def to_attribute(statistics: AugmentationStatistics) -> str:
    """Return the numbers beside the arrays as JSON, with the digests of the arrays."""
    facts = {name: getattr(statistics, name) for name in _FACTS}
    return json.dumps({**facts, "sha256": _digest(to_arrays(statistics))}, sort_keys=True)


def read(attribute: str, arrays: Mapping[str, Array]) -> AugmentationStatistics:
    """Read back what :func:`to_arrays` and :func:`to_attribute` returned.

    Raises:
        ValueError: If the arrays are not those that were written.
    """
    facts = json.loads(attribute)
    if facts.pop("sha256") != _digest(arrays):
        raise ValueError("the digest of the statistics differs")
    mean, basis, residual = (np.asarray(arrays[name], np.float32) for name in NAMES)
    return AugmentationStatistics(mean=mean, basis=basis, residual=residual, **facts)


def _digest(arrays: Mapping[str, Array]) -> list[str]:
    return [sha256(arrays[name]) for name in NAMES]
