"""SHA-256 of each array of a store's table, so that a reader can check them all on opening."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

import numpy as np

from .. import layout
from ..layout import Array, RowBlock

ATTRIBUTE = "table_sha256"


class TableDigest:
    """Takes the rows block by block.

    Args:
        names: The arrays that have one row for each video.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._columns = {name: hashlib.sha256() for name in names}

    def update(self, block: RowBlock) -> None:
        """Add the next rows."""
        for name, digest in self._columns.items():
            digest.update(_plain(block[name]))

    def render(self, rest: Mapping[str, Array]) -> str:
        """Return the attribute: a digest for each array, those of ``rest`` included."""
        columns = {name: digest.hexdigest() for name, digest in self._columns.items()}
        return json.dumps({**columns, **{name: sha256(rest[name]) for name in rest}})


def names_in(attribute: str) -> tuple[str, ...]:
    """Return the names of the arrays that an attribute has digests of."""
    return layout.FIRST_TABLE if _is_first(attribute) else tuple(json.loads(attribute))


def altered(attribute: str, arrays: Mapping[str, Array]) -> list[str]:
    """Return the names of the arrays that are not those that were written."""
    if _is_first(attribute):
        return [] if _first(arrays) == attribute else ["its table of videos"]
    wanted = json.loads(attribute)
    return [f"`{name}`" for name in wanted if sha256(arrays[name]) != wanted[name]]


def sha256(array: Array) -> str:
    """Return the digest of one array."""
    return hashlib.sha256(_plain(array)).hexdigest()


def _is_first(attribute: str) -> bool:
    return not attribute.startswith("{")


def _first(arrays: Mapping[str, Array]) -> str:
    """Return what version 0.1.0 wrote: one digest of all columns' digests, in its own order."""
    columns = (layout.PATH, *(c.name for c in layout.COLUMNS if c.absent is None))
    rest = sorted(set(layout.FIRST_TABLE) - set(columns))
    parts = (hashlib.sha256(_plain(arrays[name])).digest() for name in (*columns, *rest))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _plain(array: Array) -> bytes:
    if array.dtype == np.dtype(object):
        return b"".join(len(item).to_bytes(8, "little") + item for item in array)
    return np.ascontiguousarray(array).tobytes()
