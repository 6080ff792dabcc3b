"""Looking for damage: every byte of a store is read, and what is wrong is named, by row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ...errors import DamageError
from ..open import is_published, open_arrays, open_store
from ..reader import ArrayStore


def verify(path: Path) -> Iterator[str]:
    """Check every byte of a store, also of one that cannot be opened any more.

    Args:
        path: The store.

    Yields:
        One line for each damage, none if the store is as it was written.

    Raises:
        NotFoundError: If it is missing or not a feature store.
        StorageError: If it cannot be read.
        UsageError: If a later chainpipe made it.
    """
    if is_published(path):
        with open_store(path) as published:
            yield from published.damage()
        return
    try:
        arrays = open_arrays(path, lenient=True)
    except DamageError as error:
        yield str(error)
        return
    with closing(arrays):
        try:
            store = ArrayStore(path, arrays)
        except DamageError as error:
            yield from arrays.damage()
            yield str(error)
        else:
            yield from store.damage()
