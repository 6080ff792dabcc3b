"""Open and write a store of any format; the formats' libraries load on first use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, UsageError
from ..records import AugmentationStatistics, FailedVideo, StoreMeta, VideoFeatures
from .atomic import atomic_replace, storage_errors
from .base import FeatureStore
from .contents import StoreContents
from .integrity.faults import not_a_store, read_errors
from .published.layouts import Layout, layout_of

if TYPE_CHECKING:
    from .reader import Arrays

SUFFIXES = (".h5", ".zarr")


def open_store(path: str | os.PathLike[str], *, read_table: bool = True) -> FeatureStore:
    """Open a feature store for reading.

    Args:
        path: A ``.h5`` file or a ``.zarr`` folder; the content decides, not the name. Or a folder
            of published feature files, see ``pipeline.store.published``.
        read_table: Read and check the columns of all videos now; otherwise on their first use.

    Raises:
        NotFoundError: If it is missing, unfinished or not a feature store.
        DamageError: If it is truncated or altered.
        StorageError: If it cannot be read.
        UsageError: If a later chainpipe made it.
    """
    path = Path(path)
    if (layout := _layout(path)) is not None:
        from .published.store import PublishedStore

        return PublishedStore(path, layout)
    from .sequence_store import array_store

    arrays = open_arrays(path)
    try:
        return array_store(path, arrays, read_table=read_table)
    except BaseException:
        arrays.close()
        raise


def is_published(path: Path) -> bool:
    """Return whether a place is a folder of published feature files.

    Raises:
        StorageError: If it cannot be read.
    """
    return _layout(path) is not None


def _layout(path: Path) -> Layout | None:
    with read_errors(path):
        return layout_of(path)


def open_arrays(path: Path, *, lenient: bool = False) -> Arrays:
    """Open what a store consists of, before its table is read.

    Args:
        path: The store.
        lenient: Whether to accept damage: bytes that another checksum covers may
            be altered. For looking at damage, not for use.

    Raises:
        NotFoundError: As :func:`open_store`; so do the others.
    """
    with read_errors(path):
        exists, folder, file = path.exists(), path.is_dir(), path.is_file()
    if not exists:
        raise missing(path)
    if file:
        from .formats.hdf5 import Hdf5Arrays

        return Hdf5Arrays(path, lenient=lenient)
    if folder and path.name.endswith(".parts"):
        raise missing(path.with_name(path.name.removesuffix(".parts")))
    if not folder:
        raise not_a_store(path)
    from .formats.zarr import ZarrArrays

    return ZarrArrays(path, lenient=lenient)


def write_store(
    path: Path,
    *,
    root: bytes,
    meta: StoreMeta,
    rows: Iterable[VideoFeatures],
    count: int,
    failed: Sequence[FailedVideo] = (),
    label_names: Sequence[str] = (),
    augmentation: AugmentationStatistics | None = None,
    allow_nan: bool = False,
) -> None:
    """Write a whole store; what was at ``path`` stays until the last moment.

    Args:
        path: Ends in ``.h5`` or ``.zarr``, which decides the format.
        root: Folder that the videos' paths are relative to, ``os.fsencode``.
        meta: The settings that all rows were made with.
        rows: The videos in order; they are read once and never held all at a time.
        count: How many they are, at least one.
        failed: Videos without a row.
        label_names: All labels' names, in the order of the columns.
        augmentation: How augmentation moves the features, if it was measured.
        allow_nan: Whether to take NaN and infinity, to copy rows of stores that have them.

    Raises:
        UsageError: If the suffix is another one.
        ValueError: If ``rows`` and the other arguments do not agree, or features are not finite;
            it names the video.
        StorageError: If the disk is full, read-only or missing.
    """
    check_suffix(path)
    if count < 1:
        raise ValueError(f"a store has at least one video, not {count}")
    contents = StoreContents(
        root, meta, rows, count, tuple(failed), tuple(label_names), augmentation, allow_nan
    )
    write_contents(path, contents)


def write_contents(path: Path, contents: StoreContents) -> None:
    """Write a store, or a part of one, as :func:`write_store` does.

    Raises:
        ValueError: As :func:`write_store`; so does StorageError.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        if path.suffix == ".h5":
            from .formats.hdf5_write import write_hdf5

            write_hdf5(temporary, contents)
        else:
            from .formats.zarr_write import write_zarr

            write_zarr(temporary, contents)


def check_suffix(path: Path) -> None:
    """Refuse an output of unknown format.

    Raises:
        UsageError: If ``path`` ends in neither ``.h5`` nor ``.zarr``.
    """
    if path.suffix not in SUFFIXES:
        hint = "a feature store ends in `.h5` or `.zarr`"
        raise UsageError(f"no store format for `{path}`", hint=hint)


def parts_of(out: Path) -> Path:
    """Return the folder beside an output that holds it while it is being made."""
    return out.with_name(f"{out.name}.parts")


def missing(path: Path) -> NotFoundError:
    """Return the error about a store that is not there, or not yet."""
    if parts_of(path).exists():
        hint = f"`chainpipe extract VIDEOS --out {path}`, as it was started, continues it"
        return NotFoundError(f"the extraction of `{path}` is not finished", hint=hint)
    hint = f"`chainpipe extract VIDEOS --out {path}` makes it"
    return NotFoundError(f"there is no feature store `{path}`", hint=hint)


def bytes_on_disk(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
