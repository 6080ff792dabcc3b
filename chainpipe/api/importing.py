"""Import features that something else computed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from chainpipe.pipeline.extraction.option_values import labels_named
from chainpipe.pipeline.importing.import_features import import_features as run
from chainpipe.pipeline.importing.import_options import ImportDtype, ImportOptions
from chainpipe.pipeline.importing.source import ColumnNames

from .callback_console import CallbackConsole
from .store import Store, open_store

AnyPath = str | os.PathLike[str]


def import_features(
    source: AnyPath | Sequence[AnyPath],
    out: AnyPath,
    *,
    column: str | None = None,
    id_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    group: str | None = None,
    labels: AnyPath | None = None,
    dtype: ImportDtype = "auto",
    backbone: str = "unknown",
    every: float = 0.0,
    videos: AnyPath | None = None,
    skip_bad: bool = False,
    restart: bool = False,
    progress: Callable[[int, int], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> Store:
    """Make a store of features that something else computed, and open it.

    For arrays in memory, :func:`store_from_arrays` needs no file.

    Args:
        source: A file or folder: ``.npy``, ``.npz``, Parquet, HDF5, WebDataset's tars, or a folder
            that the library ``datasets`` saved; or several files of one kind.
        out: The store, ``.h5`` or ``.zarr``.
        column: Name of the features; by default the only column that can be.
        id_column: Name of the videos' names; beside a ``.npy`` file the path of a ``.npy`` or
            ``.txt`` file, and so for the next two.
        label_column: Name of the labels.
        split_column: Name of the splits.
        group: HDF5 group with a data set, or with a group that has ``column``, for each video.
        labels: ``"folders"``, or a list with labels and splits by path.
        dtype: ``auto`` keeps float16 and float32; or ``float16``, ``float32``.
        backbone: Name of the network that made the features.
        every: Seconds between two frames; 0 if not known.
        videos: Folder that the names are paths in; by default that of the source.
        skip_bad: Leave out videos with NaN, infinity or nothing.
        restart: Replace a store that is there.
        progress: Called with the number of videos done and their total; where that is not
            known, twice the number done.
        log: Called with lines about the run.

    Returns:
        The open store.

    Raises:
        UsageError: If the features cannot be stored as asked, or ``out`` holds something else.
        NotFoundError: If there is no such source.
        DamageError: If a source is damaged, or changes while it is read.
        LockedError: If another process writes ``out``.
        StorageError: If ``out`` cannot be written.

    Example:
        >>> import chainpipe, numpy as np, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/feats.npy", np.zeros((6, 5, 16), np.float32))
        ...     store = chainpipe.import_features(f"{folder}/feats.npy", f"{folder}/feats.h5")
        ...     print(store.shape, store.backbone)
        ...     store.close()
        (6, 5, 16) imported:unknown
    """
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    options = ImportOptions(
        sources=tuple(Path(one) for one in sources),
        out=Path(out),
        names=ColumnNames(column, id_column, label_column, split_column, group),
        labels=labels_named(labels) if isinstance(labels, str | None) else Path(labels),
        dtype=dtype,
        backbone=backbone,
        every=every,
        videos=None if videos is None else Path(videos),
        skip_bad=skip_bad,
        restart=restart,
    )
    console = CallbackConsole(progress, log)
    report = run(options, console=console)
    for note in report.notes:
        console.warn(note)
    return open_store(out)
