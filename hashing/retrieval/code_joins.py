"""Codes of several parts as one: rows one after the other, labels of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .code_table import Codes
from .window_codes import joined_windows


def with_label_names(codes: Codes, names: tuple[str, ...]) -> Codes:
    """Return codes whose label columns are those of ``names``, which holds all of theirs.

    Args:
        codes: Any codes.
        names: Of the wanted columns.
    """
    labels = np.zeros((len(codes), len(names)), np.uint8)
    labels[:, [names.index(name) for name in codes.label_names]] = codes.labels
    return replace(codes, labels=labels, label_names=names)


def joined(parts: Sequence[Codes]) -> Codes:
    """Concatenate codes of one model; label names and origin are those of the first part.

    Raises:
        ValueError: If they differ in bits or label names.
    """
    first = parts[0]
    if {(part.bits, part.label_names) for part in parts} != {(first.bits, first.label_names)}:
        raise ValueError(f"codes of different bits or labels: {list(parts)}")
    return replace(
        first,
        packed=np.concatenate([part.packed for part in parts]),
        video_ids=np.concatenate([part.video_ids for part in parts]),
        paths=tuple(path for part in parts for path in part.paths),
        labels=np.concatenate([part.labels for part in parts]),
        split=np.concatenate([part.split for part in parts]),
        table_sha256="",
        windows=joined_windows([(len(part), part.windows) for part in parts]),
    )
