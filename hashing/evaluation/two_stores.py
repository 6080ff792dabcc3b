"""Combine codes of two stores: one holds the queries, the other is the database."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split

from ..retrieval.bitpack import U8
from ..retrieval.codes import Codes, joined


def combine_stores(queries: Codes, database: Codes) -> Codes:
    """Mark one store's codes as queries and another's as the database, labels matched by name.

    Args:
        queries: Codes of Q videos; their splits are replaced.
        database: Codes of N videos; likewise.

    Returns:
        Codes of the queries, then of the database, for the protocol ``query against database``;
        the magnitude of the bits' values is that of the database.

    Raises:
        UsageError: If the two share no label, so that no answer could be right.
        ValueError: If they differ in bits.
    """
    names = tuple(sorted({*queries.label_names, *database.label_names}))
    if not {*queries.label_names} & {*database.label_names}:
        hint = "label both with the same names: `extract --labels FILE`"
        raise UsageError("the queries and the database have no label in common", hint=hint)
    sides = ((queries, Split.QUERY), (database, Split.DATABASE))
    both = joined([_marked(codes, names, split) for codes, split in sides])
    return replace(both, value_scale=database.value_scale)


def _marked(codes: Codes, names: tuple[str, ...], split: Split) -> Codes:
    marked = np.full(len(codes), split, np.uint8)
    return replace(codes, labels=_spread(codes, names), label_names=names, split=marked)


def _spread(codes: Codes, names: tuple[str, ...]) -> U8:
    """Return the labels in the columns of other names, (B, len(names))."""
    labels = np.zeros((len(codes), len(names)), np.uint8)
    for old, name in enumerate(codes.label_names):
        labels[:, names.index(name)] |= codes.labels[:, old]
    return labels
