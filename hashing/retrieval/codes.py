"""The file of packed codes: a true, uncompressed ``.npz`` without pickle.

``numpy.load`` opens it anywhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.records import Fingerprint
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors
from chainpipe.pipeline.store.foreign.kinds import FileKind, kind_of

from .bitpack import pack, unpack
from .code_joins import joined
from .code_table import Codes, Origin
from .packed_paths import PackedPaths
from .safe_npz import SHA256, array_digest, read_npz
from .window_codes import WindowCodes

__all__ = ["Codes", "Origin", "joined", "pack", "read_codes", "unpack", "write_codes"]

NAMES = (
    *("codes", "bits", "ids", "path_bytes", "path_offsets"),
    *("labels", "label_names", "split", "model"),
)
WINDOWS = ("window_codes", "window_row", "window_start", "window_end")
OPTIONAL = ("value_scale", "table_sha256", *WINDOWS, SHA256)  # files of before 0.3 have none
HINT = "write one with `chainpipe encode`"


def write_codes(path: Path, codes: Codes) -> None:
    """Write a codes file atomically, with the SHA-256 of its arrays.

    Args:
        path: The file; a codes file that is there is replaced, also a damaged one called ``.npz``.
        codes: The codes.

    Raises:
        StorageError: If the file cannot be written.
        UsageError: If there is another file, such as a feature store or a video.
    """
    if path.exists() and not _may_be_codes(path):
        hint = "name a new file, or a codes file"
        raise UsageError(f"`{printable(path)}` is there, and is no codes file", hint=hint)
    columns = _columns(codes)
    columns[SHA256] = np.array(array_digest(columns))
    with storage_errors(path), atomic_replace(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **columns)


def _may_be_codes(path: Path) -> bool:
    kind = kind_of(path)
    return kind is FileKind.CODES or (kind is None and path.suffix == ".npz")


def read_codes(path: Path, *, whole: bool = False) -> Codes:
    """Map a codes file into memory; every byte of it is checked by its CRC-32.

    Args:
        path: The file.
        whole: Also compare the SHA-256 of its arrays, which takes twice as long; ``chainpipe
            verify`` does. Files of before 0.3 have none.

    Raises:
        NotFoundError: If there is no such file, or it is not a codes file.
        DamageError: If it is one, but truncated or altered.
    """
    columns = read_npz(path, NAMES, what="codes file", hint=HINT, optional=OPTIONAL)
    recorded = columns.pop(SHA256, None)
    try:
        if whole and recorded is not None and str(recorded) != array_digest(columns):
            raise ValueError("the SHA-256 of its arrays is another one")
        return _record(columns)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DamageError(f"the codes file `{path}` is damaged: {error}", hint=HINT) from error


def _columns(codes: Codes) -> dict[str, Any]:
    paths, scale = PackedPaths.of(codes.paths), codes.value_scale
    return {
        "codes": codes.packed,
        "bits": np.int64(codes.bits),
        "ids": codes.video_ids,
        "path_bytes": paths.run,
        "path_offsets": paths.offsets,
        "labels": codes.labels,
        "label_names": np.array(codes.label_names, dtype=np.str_),
        "split": codes.split,
        "model": np.array(json.dumps(asdict(codes.origin), sort_keys=True)),
        **({} if scale is None else {"value_scale": scale}),
        **({"table_sha256": np.array(codes.table_sha256)} if codes.table_sha256 else {}),
        **({} if codes.windows is None else _window_columns(codes.windows)),
    }


def _window_columns(windows: WindowCodes) -> dict[str, Any]:
    return {
        "window_codes": windows.packed,
        "window_row": windows.rows,
        "window_start": windows.starts,
        "window_end": windows.ends,
    }


def _record(columns: dict[str, Any]) -> Codes:
    offsets = columns["path_offsets"]
    if offsets.dtype != np.int64:
        raise ValueError(f"path offsets are {offsets.dtype}")
    model = json.loads(str(columns["model"]))
    origin = Origin(fingerprint=Fingerprint(**model.pop("fingerprint")), **model)
    return Codes(
        packed=columns["codes"],
        bits=int(columns["bits"]),
        video_ids=columns["ids"],
        paths=PackedPaths(columns["path_bytes"], offsets.copy()),
        labels=columns["labels"],
        label_names=tuple(str(name) for name in columns["label_names"]),
        split=columns["split"],
        origin=origin,
        value_scale=columns.get("value_scale"),
        table_sha256=str(columns.get("table_sha256", "")),
        windows=WindowCodes(*(columns[name] for name in WINDOWS))
        if WINDOWS[0] in columns
        else None,
    )
