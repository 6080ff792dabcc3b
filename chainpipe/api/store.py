"""Feature stores: opened from a file, or made from arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.records import FailedVideo
from chainpipe.pipeline.store.arrays.columns import Columns, Ids, Labels, Splits, split_names
from chainpipe.pipeline.store.arrays.sources import Features, open_source
from chainpipe.pipeline.store.arrays.store import ArrayFeatureStore
from chainpipe.pipeline.store.base import FeatureStore
from chainpipe.pipeline.store.open import open_store as open_feature_store

Rows = int | slice | npt.ArrayLike


class FeatureView:
    """Lazy view of a store's features (N, T, D): indexing reads rows, ``np.asarray`` all of them.

    Example:
        >>> import chainpipe, numpy as np
        >>> features = chainpipe.store_from_arrays(np.zeros((6, 5, 4), np.float32)).features
        >>> features[0].shape, features[1:3].shape, features[[5, 0]].shape
        ((5, 4), (2, 5, 4), (2, 5, 4))
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, T, D)."""
        return self._store.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float16 or float32."""
        return np.dtype(self._store.meta.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> npt.NDArray[np.floating]:
        """Return rows: (T, D) for an integer, (n, T, D) for a slice, indices or a mask.

        Raises:
            DamageError: If the bytes on disk are damaged.
            IndexError: If there is no such row.
        """
        if isinstance(rows, slice):
            return self._store.features(rows)
        indices = np.arange(len(self))[rows]  # type: ignore[index]
        found = self._store.features(np.atleast_1d(indices))
        return found if np.ndim(indices) else found[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self._store.features(slice(None)), dtype)

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"FeatureView({n} videos x {t} frames x {d}, {self.dtype})"


class Store:
    """Features of N videos with their ids, labels and splits; read-only.

    Close it, or use it in a ``with`` statement. Returned by :func:`open_store` and
    :func:`store_from_arrays`.

    Example:
        >>> import chainpipe, numpy as np
        >>> labels = ["x", "y", "x"]
        >>> store = chainpipe.store_from_arrays(np.zeros((3, 5, 4)), ids="abc", labels=labels)
        >>> len(store), store.shape, store.ids, store.names_of(1)
        (3, (3, 5, 4), ('a', 'b', 'c'), ('y',))
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    @property
    def raw(self) -> FeatureStore:
        """The internal store, with times, candidates and augmented views."""
        return self._store

    @property
    def path(self) -> Path:
        """Path of the store; ``arrays`` for a store in memory."""
        return self._store.path

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, T, D): videos, frames per video, feature dimensions."""
        return self._store.shape

    @property
    def features(self) -> FeatureView:
        """The features, (N, T, D), read on indexing: ``store.features[:10]``."""
        return FeatureView(self._store)

    @property
    def ids(self) -> tuple[str, ...]:
        """Name of each video: its path relative to ``root``, or its given id."""
        return tuple(os.fsdecode(path) for path in self._store.videos.paths)

    @property
    def paths(self) -> tuple[bytes, ...]:
        """``ids`` as bytes of the file system; relative to ``root``."""
        return self._store.videos.paths

    @property
    def root(self) -> Path:
        """Folder of the extracted videos."""
        return Path(os.fsdecode(self._store.root))

    @property
    def video_ids(self) -> npt.NDArray[np.uint8]:
        """SHA-256 of each file's bytes, or of each row of arrays, (N, 32)."""
        return self._store.videos.ids

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """Multi-hot labels, (N, L) uint8."""
        return self._store.videos.labels

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the L labels."""
        return self._store.videos.label_names

    @property
    def splits(self) -> tuple[str, ...]:
        """Split of each video: ``train``, ``test``, ``query`` ... or ``none``."""
        return split_names(self._store.videos.split)

    @property
    def failed(self) -> tuple[FailedVideo, ...]:
        """The videos that could not be read, each with ``path``, ``status`` and ``message``."""
        return self._store.failed

    @property
    def backbone(self) -> str:
        """Name of the backbone; ``arrays`` for features from arrays."""
        return self._store.meta.fingerprint.backbone

    def names_of(self, row: int) -> tuple[str, ...]:
        """Return the label names of one video."""
        return self._store.videos.names_of(row)

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    def __len__(self) -> int:
        return self.shape[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        n, t, d = self.shape
        return f"Store({str(self.path)!r}, {n} videos x {t} frames x {d})"


def open_store(path: str | os.PathLike[str]) -> Store:
    """Open a feature store for reading.

    Args:
        path: A ``.h5`` file or ``.zarr`` folder made by ``extract``, or a folder of a published
            feature set.

    Raises:
        NotFoundError: If it is missing, unfinished or not a feature store.
        DamageError: If it is truncated or altered.
        StorageError: If it cannot be read.
        UsageError: If a later version wrote it.

    Example:
        >>> import chainpipe
        >>> with chainpipe.open_store("feats.h5") as store:  # doctest: +SKIP
        ...     clip = store.features[0]
        >>> try:
        ...     chainpipe.open_store("no-such-store.h5")
        ... except chainpipe.NotFoundError as error:
        ...     print(error)
        there is no feature store `no-such-store.h5`
    """
    return Store(open_feature_store(path))


def store_from_arrays(
    features: Features,
    *,
    ids: Ids | None = None,
    labels: Labels | None = None,
    splits: Splits | None = None,
    frames: int | None = None,
) -> Store:
    """Make a store from feature arrays (N, T, D); nothing is copied or written.

    Args:
        features: float16, float32 or float64 of one of these kinds:
            an array [N, T, D], or [N, D] for one frame per video (T = 1);
            a list of N arrays [T_i, D];
            a ``.npy`` file of such an array, which is memory-mapped;
            a folder of ``.npy`` files, [T_i, D] each, one per video, read on access.
        ids: Unique names of the videos, strings or bytes; by default the file names of a folder,
            else ``"0"``, ``"1"`` ...
        labels: For each video a name, several names, or ``None``; or integers [N], negative for
            none; or a multi-hot array [N, L]. Only :func:`evaluate` reads them.
        splits: For each video ``train``, ``val``, ``test``, ``query``, ``database``, ``none`` or
            ``None``; ``val``, ``test`` and ``query`` are never trained on.
        frames: T, sampled at the middles of T equal segments of each video, as ``extract`` does;
            required only if videos differ in length. By default all frames are used.

    Raises:
        UsageError: If the features are of another shape or type, videos differ in length and
            ``frames`` is not given, or ids, labels or splits do not fit.
        NotFoundError: If there is no such file or folder.
        DamageError: If a file is not a valid ``.npy`` file.

    Example:
        >>> import chainpipe, numpy as np
        >>> chainpipe.store_from_arrays(np.zeros((6, 16)), labels=[0, 0, 1, 1, 2, -1])
        Store('arrays', 6 videos x 1 frames x 16)
        >>> clips = [np.ones((9, 4)), np.ones((30, 4))]
        >>> chainpipe.store_from_arrays(clips, frames=8).features[:].shape
        (2, 8, 4)
    """
    return Store(array_store(features, ids=ids, labels=labels, splits=splits, frames=frames))


def array_store(
    features: Features,
    *,
    ids: Ids | None = None,
    labels: Labels | None = None,
    splits: Splits | None = None,
    frames: int | None = None,
    dim: int | None = None,
) -> ArrayFeatureStore:
    """Return the internal store of :func:`store_from_arrays`; ``dim`` is the required D, if given.

    Raises:
        UsageError: As :func:`store_from_arrays`, like its other errors.
    """
    source = open_source(features, dim=dim)
    names = ids if ids is not None else source.names
    columns = Columns.of(len(source.lengths), ids=names, labels=labels, splits=splits)
    return ArrayFeatureStore(source, columns, frames=frames)


@contextmanager
def reading(
    features: Store | Features | str | os.PathLike[str], *, dim: int | None = None
) -> Iterator[FeatureStore]:
    """Open the internal feature store of a public store, a store's path, or arrays.

    Args:
        features: A public store, the path of a store, or arrays.
        dim: Required D of arrays, if given.

    Yields:
        The store; it is closed at the end if it was opened here.

    Raises:
        UsageError: If ``features`` is of another kind, or as :func:`store_from_arrays`.
    """
    if isinstance(features, Store):
        yield features.raw
    elif isinstance(features, str | os.PathLike):
        with open_feature_store(features) as store:
            yield store
    else:
        yield array_store(features, dim=dim)
