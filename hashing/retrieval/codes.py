"""The codes of B videos with everything an answer needs, and the file they are kept in.

The file is a true, uncompressed ``.npz`` without pickle: ``numpy.load`` opens it anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.errors import DamageError
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .bitpack import U8, pack, unpack, width
from .safe_npz import read_npz

__all__ = ["Codes", "Origin", "joined", "pack", "read_codes", "unpack", "write_codes"]

NAMES = (
    *("codes", "bits", "ids", "path_bytes", "path_offsets"),
    *("labels", "label_names", "split", "model"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What made the codes.

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


@dataclass(frozen=True, slots=True, repr=False)
class Codes:
    """The packed codes of B videos.

    Attributes:
        codes: (B, ceil(bits / 8)), as :func:`pack` makes them.
        bits: K.
        ids: SHA-256 of each video's bytes, (B, 32).
        paths: ``os.fsencode``, relative to the root of the store or folder, B of them.
        labels: Multi-hot, (B, C).
        label_names: C names.
        split: ``Split`` numbers, (B,).
        origin: What made the codes.
    """

    codes: U8
    bits: int
    ids: U8
    paths: tuple[bytes, ...]
    labels: U8
    label_names: tuple[str, ...]
    split: U8
    origin: Origin

    def __post_init__(self) -> None:
        n, c = len(self.paths), len(self.label_names)
        wanted = {"codes": (n, width(self.bits)), "ids": (n, 32), "labels": (n, c), "split": (n,)}
        for name, shape in wanted.items():
            column = getattr(self, name)
            if column.shape != shape or column.dtype != np.uint8:
                raise ValueError(
                    f"`{name}` must be {shape} uint8, not {column.shape} {column.dtype}"
                )
        if self.bits % 8 and (self.codes[:, -1] >> self.bits % 8).any():
            raise ValueError(f"codes of {self.bits} bits have other bits set")

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"Codes({len(self)} videos x {self.bits} bits)"

    def names_of(self, row: int) -> tuple[str, ...]:
        """Return the label names of one row."""
        return tuple(self.label_names[i] for i in np.flatnonzero(self.labels[row]))


def joined(parts: Sequence[Codes]) -> Codes:
    """Put codes of one model after each other; labels and origin are those of the first part.

    Raises:
        ValueError: If they differ in bits or label names.
    """
    first = parts[0]
    if {(part.bits, part.label_names) for part in parts} != {(first.bits, first.label_names)}:
        raise ValueError(f"codes of different bits or labels: {list(parts)}")
    return replace(
        first,
        codes=np.concatenate([part.codes for part in parts]),
        ids=np.concatenate([part.ids for part in parts]),
        paths=tuple(path for part in parts for path in part.paths),
        labels=np.concatenate([part.labels for part in parts]),
        split=np.concatenate([part.split for part in parts]),
    )


def write_codes(path: Path, codes: Codes) -> None:
    """Write a codes file; it appears whole or not at all.

    Raises:
        StorageError: If the disk says no.
    """
    columns = _columns(codes)
    with storage_errors(path), atomic_replace(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **columns)


def read_codes(path: Path) -> Codes:
    """Read what :func:`write_codes` wrote; every byte of it is checked by its CRC-32.

    Raises:
        NotFoundError: If there is no such file, or it is not a codes file.
        DamageError: If it is one, but truncated or altered.
    """
    hint = "write one with `chainpipe encode`"
    columns = read_npz(path, NAMES, what="codes file", hint=hint)
    try:
        return _record(columns)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DamageError(f"the codes file `{path}` is damaged: {error}", hint=hint) from error


def _columns(codes: Codes) -> dict[str, Any]:
    offsets = np.cumsum([0, *(len(path) for path in codes.paths)], dtype=np.int64)
    return {
        "codes": codes.codes,
        "bits": np.int64(codes.bits),
        "ids": codes.ids,
        "path_bytes": np.frombuffer(b"".join(codes.paths), np.uint8),
        "path_offsets": offsets,
        "labels": codes.labels,
        "label_names": np.array(codes.label_names, dtype=np.str_),
        "split": codes.split,
        "model": np.array(json.dumps(asdict(codes.origin), sort_keys=True)),
    }


def _record(columns: dict[str, Any]) -> Codes:
    model = json.loads(str(columns["model"]))
    origin = Origin(fingerprint=Fingerprint(**model.pop("fingerprint")), **model)
    return Codes(
        codes=columns["codes"],
        bits=int(columns["bits"]),
        ids=columns["ids"],
        paths=_paths(columns["path_bytes"].tobytes(), columns["path_offsets"]),
        labels=columns["labels"],
        label_names=tuple(str(name) for name in columns["label_names"]),
        split=columns["split"],
        origin=origin,
    )


def _paths(joined: bytes, offsets: Any) -> tuple[bytes, ...]:
    ends = offsets.tolist()
    if ends[:1] != [0] or ends[-1] != len(joined) or ends != sorted(ends):
        raise ValueError("path offsets do not fit the path bytes")
    return tuple(joined[a:b] for a, b in pairwise(ends))
