"""Opening and writing a store whatever its format; the formats' libraries load on first use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pipeline.errors import NotFoundError, UsageError
from pipeline.records import FailedVideo, StoreMeta, VideoFeatures
from pipeline.store.atomic import replacing, storing
from pipeline.store.base import FeatureStore
from pipeline.store.contents import Contents
from pipeline.store.faults import not_a_store, reading

SUFFIXES = (".h5", ".zarr")


def open_store(path: Path) -> FeatureStore:
    """Open a feature store for reading.

    Args:
        path: A ``.h5`` file or a ``.zarr`` folder; the content decides, not the name.

    Raises:
        NotFoundError: If it is missing, unfinished or not a feature store.
        DamageError: If it is truncated or altered.
        StorageError: If it cannot be read.
        UsageError: If a later chainpipe made it.
    """
    from pipeline.store.reader import ArrayStore

    with reading(path):
        exists, folder, file = path.exists(), path.is_dir(), path.is_file()
    if not exists:
        raise _missing(path)
    if not folder and not file:
        raise not_a_store(path)
    if folder:
        if path.name.endswith(".parts"):
            raise _missing(path.with_name(path.name.removesuffix(".parts")))
        from pipeline.store.zarr import ZarrArrays

        return ArrayStore(path, ZarrArrays(path))  # which holds no file open
    from pipeline.store.hdf5 import Hdf5Arrays

    arrays = Hdf5Arrays(path)
    try:
        return ArrayStore(path, arrays)
    except BaseException:
        arrays.close()
        raise


def write_store(
    path: Path,
    *,
    root: bytes,
    meta: StoreMeta,
    rows: Iterable[VideoFeatures],
    count: int,
    failed: Sequence[FailedVideo] = (),
    label_names: Sequence[str] = (),
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

    Raises:
        UsageError: If the suffix is another one.
        ValueError: If ``rows`` and the other arguments do not agree.
        StorageError: If the place is full, read-only or gone.
    """
    check_suffix(path)
    contents = Contents(root, meta, rows, count, tuple(failed), tuple(label_names))
    with storing(path), replacing(path) as temporary:
        if path.suffix == ".h5":
            from pipeline.store.hdf5_write import write_hdf5

            write_hdf5(temporary, contents)
        else:
            from pipeline.store.zarr_write import write_zarr

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


def _missing(path: Path) -> NotFoundError:
    if parts_of(path).exists():
        hint = f"`chainpipe extract VIDEOS --out {path}`, as it was started, continues it"
        return NotFoundError(f"the extraction of `{path}` is not finished", hint=hint)
    hint = f"`chainpipe extract VIDEOS --out {path}` makes it"
    return NotFoundError(f"there is no feature store `{path}`", hint=hint)
