"""The map of a gallery, kept from build to build while codes or features are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .code_map import SEED, MapKind, map_points

FILE = "map.json"
_FORMAT = 1  # goes up when the same values give another map

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


def kept_map(
    folder: Path, values: npt.NDArray[np.float32], kind: MapKind, progress: Progress
) -> npt.NDArray[np.float32]:
    """Return the map of some values, from the folder's file where it is of the same ones.

    Args:
        folder: The gallery.
        values: As for :func:`map_points`, (N, D).
        kind: The method.
        progress: Shows that it is being made.

    Raises:
        StorageError: If the disk does not take the file.
    """
    content = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    key = [_FORMAT, SEED, kind.value, *values.shape, content]
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads((folder / FILE).read_bytes())
        points = np.array(kept["points"], np.float32).reshape(-1, 2)
        if kept["key"] == key and len(points) == len(values):
            return points
    with progress("map", None):
        points = map_points(values, kind)
    with storage_errors(folder / FILE), atomic_replace(folder / FILE) as temporary:
        temporary.write_text(json.dumps({"key": key, "points": points.ravel().tolist()}))
    return points
