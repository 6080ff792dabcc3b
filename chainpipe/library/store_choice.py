"""The store that a command means when none is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store.open import open_store

_SUFFIXES = ("*.h5", "*.zarr")


def only_store(folder: Path) -> Path:
    """Return the one feature store of a folder.

    Raises:
        NotFoundError: If there is none.
        UsageError: If there are several.
    """
    found = list(_stores(folder))
    if not found:
        hint = "`chainpipe extract VIDEOS` makes one, or name one"
        raise NotFoundError(f"no feature store in `{folder}`", hint=hint)
    if len(found) > 1:
        names = ", ".join(f"`{path.name}`" for path in found)
        raise UsageError(f"several feature stores in `{folder}`: {names}", hint="name one of them")
    return found[0]


def store_of_folder(videos: Path, places: list[Path]) -> Path | None:
    """Return the store that was made of a folder of videos, from some places; ``None``: none.

    Raises:
        UsageError: If there are several.
    """
    root = os.fsencode(videos.resolve())
    found = []
    for path in dict.fromkeys(path.resolve() for place in places for path in _stores(place)):
        with open_store(path, read_table=False) as store:
            if os.path.realpath(store.root) == root:
                found.append(path)
    if len(found) > 1:
        names = ", ".join(f"`{path}`" for path in found)
        raise UsageError(f"several stores of `{videos}`: {names}", hint="name one with `--store`")
    return found[0] if found else None


def _stores(folder: Path) -> Iterator[Path]:
    for path in sorted(path for suffix in _SUFFIXES for path in folder.glob(suffix)):
        try:
            open_store(path, read_table=False).close()
        except NotFoundError:
            continue
        yield path
