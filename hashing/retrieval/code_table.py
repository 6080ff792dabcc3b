"""Packed codes of B videos with ids, paths and labels."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store.arrays.columns import (
    Columns,
    Ids,
    Labels,
    Splits,
    hashes,
    split_names,
)

from .backends import AUTO, make_index
from .bitpack import U8, checked_packed, pack, truth_values, unpack, width
from .hamming import distance_matrix
from .index import Neighbours
from .search import search_others
from .window_codes import WindowCodes


@dataclass(frozen=True, slots=True)
class Origin:
    """The model and the store that codes were computed from.

    Attributes:
        fingerprint: Of the features that the model reads.
        sha256: Of the model's weights, hexadecimal.
        version: Of chainpipe.
        features: SHA-256 over the row checksums of the store that was encoded, hexadecimal;
            empty for codes of plain videos.
    """

    fingerprint: Fingerprint
    sha256: str
    version: str
    features: str = ""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Codes:
    """The packed codes of B videos.

    Attributes:
        packed: (B, ceil(bits / 8)) uint8, as :func:`pack` makes them.
        bits: K.
        video_ids: SHA-256 of each video's bytes, (B, 32) uint8.
        paths: ``os.fsencode``, relative to the root of the store or folder, B of them.
        labels: Multi-hot, (B, C) uint8.
        label_names: L names.
        split: ``Split`` numbers, (B,) uint8.
        origin: Model and store they were computed from.
        value_scale: Mean magnitude of each bit's values over the encoded videos, (K,) float32, for
            the asymmetric distance; ``None`` where it is not known.
        table_sha256: ``FeatureStore.table_sha256`` of the store whose N videos these are; empty
            for codes of some of them or of none.
        windows: Codes of windows of the videos, where ``encode`` made some.

    Example:
        >>> codes = Codes.from_bits([[0, 0, 0], [1, 1, 1], [0, 0, 1]], ids=["a", "b", "c"])
        >>> codes
        Codes(3 videos x 3 bits)
        >>> codes.packed
        array([[0],
               [7],
               [4]], dtype=uint8)
        >>> [codes.ids[row] for row in codes.search(codes[0], k=2).rows[0]]
        ['c', 'b']
    """

    packed: U8
    bits: int
    video_ids: U8
    paths: Sequence[bytes]
    labels: U8
    label_names: tuple[str, ...]
    split: U8
    origin: Origin
    value_scale: npt.NDArray[np.float32] | None = None
    table_sha256: str = ""
    windows: WindowCodes | None = None

    def __post_init__(self) -> None:
        n, c = len(self.paths), len(self.label_names)
        wanted = {
            "packed": (n, width(self.bits)),
            "video_ids": (n, 32),
            "labels": (n, c),
            "split": (n,),
        }
        for name, shape in wanted.items():
            column = getattr(self, name)
            if column.shape != shape or column.dtype != np.uint8:
                raise ValueError(
                    f"`{name}` must be {shape} uint8, not {column.shape} {column.dtype}"
                )
        scale = self.value_scale
        if scale is not None and not (scale.shape == (self.bits,) and (scale > 0).all()):
            raise ValueError(f"`value_scale` must be {self.bits} positive numbers")
        _check_padding(self.packed, self.bits)
        if self.windows is not None:
            if self.windows.packed.shape[1] != width(self.bits):
                raise ValueError(f"codes of windows are not of {self.bits} bits")
            _check_padding(self.windows.packed, self.bits)
            if len(self.windows) and self.windows.rows[-1] >= n:
                raise ValueError(f"a window of row {self.windows.rows[-1]} of {n} videos")

    @classmethod
    def from_bits(
        cls,
        bits: npt.ArrayLike,
        *,
        ids: Ids | None = None,
        labels: Labels | None = None,
        splits: Splits | None = None,
    ) -> Codes:
        """Pack codes that something else made, to search or evaluate them here.

        Args:
            bits: (B, K): booleans, 0 and 1, or numbers of which those >= 0 become 1 (such as -1
                and 1, or a network's real outputs).
            ids: As for ``store_from_arrays``; so are ``labels`` and ``splits``.
            labels: The classes of each row.
            splits: The part of the data set of each row.

        Raises:
            UsageError: If ``bits`` is no such array, or a column does not have B entries.

        Example:
            >>> Codes.from_bits([[0.3, -1.2, 0.1], [-1.0, -1.0, 1.0]]).numpy()
            array([[ True, False,  True],
                   [False, False,  True]])
        """
        truth = truth_values(bits)
        columns = Columns.of(len(truth), ids=ids, labels=labels, splits=splits)
        packed = pack(truth)
        return cls(
            packed=packed,
            bits=truth.shape[1],
            video_ids=hashes(columns.paths if ids is not None else _row_names(packed)),
            paths=columns.paths,
            labels=columns.labels,
            label_names=columns.label_names,
            split=columns.split,
            origin=Origin(Fingerprint("bits", "", truth.shape[1], ""), "", ""),
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"Codes({len(self)} videos x {self.bits} bits)"

    def __getitem__(self, rows: int | slice | npt.ArrayLike) -> Codes:
        """Return the codes of some rows: a number, a slice, numbers or a mask.

        >>> Codes.from_bits([[0], [1], [1]], ids="abc")[1:].ids
        ('b', 'c')
        """
        chosen = np.atleast_1d(np.arange(len(self))[rows])  # type: ignore[index]
        return replace(
            self,
            packed=self.packed[chosen],
            video_ids=self.video_ids[chosen],
            paths=tuple(self.paths[row] for row in chosen),
            labels=self.labels[chosen],
            split=self.split[chosen],
            table_sha256="",
            windows=None if self.windows is None else self.windows.of_videos(chosen),
        )

    def append(self, more: Codes) -> Codes:
        """Return these codes and further ones of the same model, which come last.

        Args:
            more: Codes of other videos; their labels may be other ones.

        Raises:
            UsageError: If they differ in bits or model.

        Example:
            >>> codes = Codes.from_bits([[0, 1]], ids="a", labels=["x"])
            >>> both = codes.append(Codes.from_bits([[1, 1]], ids="b", labels=["y"]))
            >>> both.ids, both.label_names, both.labels.tolist()
            (('a', 'b'), ('x', 'y'), [[1, 0], [0, 1]])
        """
        from .code_joins import joined, with_label_names

        self._packed_of(more)
        names = tuple(dict.fromkeys((*self.label_names, *more.label_names)))
        return joined([with_label_names(part, names) for part in (self, more)])

    def remove(self, rows: int | slice | npt.ArrayLike) -> Codes:
        """Return these codes without some rows: a number, a slice, numbers or a mask.

        Example:
            >>> Codes.from_bits([[0], [1], [1]], ids="abc").remove([0, 2]).ids
            ('b',)
        """
        kept = np.ones(len(self), bool)
        kept[rows] = False  # type: ignore[index]
        return self[kept]

    @property
    def ids(self) -> tuple[str, ...]:
        """Name each row: the video's path below its folder, or the id that was given for it."""
        return tuple(os.fsdecode(path) for path in self.paths)

    @property
    def splits(self) -> tuple[str, ...]:
        """Name the part of the data set of each row: ``train``, ``test`` ... or ``none``."""
        return split_names(self.split)

    def names_of(self, row: int) -> tuple[str, ...]:
        """Return the label names of one row."""
        return tuple(self.label_names[i] for i in np.flatnonzero(self.labels[row]))

    def search(
        self, queries: Codes | U8, k: int = 10, *, keep_self: bool = False, backend: str = AUTO
    ) -> Neighbours:
        """Return the k nearest of these codes for each query, in the order (distance, row).

        Args:
            queries: Codes of the same model, or packed codes (Q, ceil(bits / 8)) uint8.
            k: How many answers.
            keep_self: Whether a query of :class:`Codes` may find its own video. Otherwise rows of
                the same ``video_ids`` are left out of its answers.
            backend: ``auto``, ``faiss``, ``numpy``, or ``ivf``, which is not exact.

        Returns:
            ``distances`` (Q, k) int32 and ``rows`` (Q, k) int64; k becomes B where it is larger.
            A place without an answer has -1 in both.

        Raises:
            UsageError: If ``k`` is below 1, the queries differ in bits or model, or there is no
                such backend.

        Example:
            >>> codes = Codes.from_bits([[0, 0, 0], [1, 1, 1], [0, 0, 1]])
            >>> codes.search(codes[:1], k=2).distances
            array([[1, 3]], dtype=int32)
        """
        if k < 1:
            raise UsageError(f"`k` is {k}", hint="ask for at least 1 answer")
        asked = self._packed_of(queries)
        index = make_index(self.packed, self.bits, queries=len(asked), backend=backend)
        if keep_self or not isinstance(queries, Codes):
            return index.search(asked, k)
        return search_others(index, asked, k, ids=self.video_ids, own=queries.video_ids)

    def distances(self, other: Codes | U8) -> npt.NDArray[np.uint16]:
        """Return the Hamming distance of each of these codes to each other one, (B, Q) uint16.

        Args:
            other: Codes of the same model, or packed codes (Q, ceil(bits / 8)) uint8.

        Raises:
            UsageError: If they differ in bits or model.

        Example:
            >>> codes = Codes.from_bits([[0, 0, 0], [1, 1, 1]])
            >>> codes.distances(codes)
            array([[0, 3],
                   [3, 0]], dtype=uint16)
        """
        return distance_matrix(self.packed, self._packed_of(other))

    def numpy(self, *, signed: bool = False) -> npt.NDArray[np.bool_] | npt.NDArray[np.int8]:
        """Return the codes as one truth value a bit, (B, K); ``signed``: as int8, -1 and 1.

        >>> Codes.from_bits([[0, 1]]).numpy(signed=True)
        array([[-1,  1]], dtype=int8)
        """
        truth = unpack(self.packed, self.bits)
        return 2 * truth.astype(np.int8) - 1 if signed else truth

    def faiss(self) -> Any:
        """Return the codes as a ``faiss.IndexBinaryFlat``; its ties come in no defined order.

        >>> Codes.from_bits([[0, 1], [1, 1]]).faiss().ntotal
        2
        """
        import faiss

        index = faiss.IndexBinaryFlat(8 * self.packed.shape[1])
        index.add(np.ascontiguousarray(self.packed))
        return index

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a codes file, an ``.npz`` that ``numpy.load`` opens; it appears whole or not.

        Raises:
            StorageError: If the disk says no.

        Example:
            >>> import tempfile
            >>> codes = Codes.from_bits([[0, 1], [1, 1]], ids=["a", "b"])
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     codes.save(f"{folder}/codes.npz")
            ...     Codes.load(f"{folder}/codes.npz").ids
            ('a', 'b')
        """
        from .codes import write_codes

        write_codes(Path(path), self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Codes:
        """Read a codes file that :meth:`save` or ``chainpipe encode`` wrote; see :meth:`save`.

        Raises:
            NotFoundError: If there is no such file, or it is not a codes file.
            DamageError: If it is one, but truncated or altered.
        """
        from .codes import read_codes

        return read_codes(Path(path))

    def _packed_of(self, other: Codes | U8) -> U8:
        """Return packed codes that may be compared with these."""
        if not isinstance(other, Codes):
            return checked_packed(other, self.bits)
        if other.bits != self.bits:
            message = f"codes of {other.bits} bits do not compare with codes of {self.bits}"
            raise UsageError(message, hint="encode both with one model")
        if other.origin.sha256 != self.origin.sha256:
            hint = "encode both with one model"
            raise UsageError("these codes are of two models, so they do not compare", hint=hint)
        return other.packed


def _check_padding(packed: U8, bits: int) -> None:
    if bits % 8 and (packed[:, -1] >> bits % 8).any():
        raise ValueError(f"codes of {bits} bits have other bits set")


def _row_names(packed: U8) -> list[bytes]:
    """Name the rows so that those of another array have other names."""
    whole = hashlib.sha256(packed.tobytes()).digest()
    return [whole + b"%d" % row for row in range(len(packed))]
