"""Looking for damage: every byte of a store is read, and what is wrong is named, by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import DamageError
from pipeline.store.opening import open_store


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
    try:
        with open_store(path) as store:
            yield from store.damage()
    except DamageError as error:
        yield str(error)
