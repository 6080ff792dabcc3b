"""Small codes, stores and models whose right answers are known, for the tests of the answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.model_folder.folder import ModelFacts, save_model
from chainpipe.hashing.retrieval.codes import Codes, Origin, pack
from chainpipe.pipeline.records import (
    Fingerprint,
    Reader,
    Split,
    Status,
    StoreMeta,
    VideoFeatures,
    VideoInfo,
)
from chainpipe.pipeline.store import write_store

FINGERPRINT = Fingerprint("cnn:tiny", "ab" * 32, 6, "fit=crop")
META = StoreMeta(FINGERPRINT, 4, dtype="float32", chainpipe="0.1.0")


def sample_codes(
    bits: npt.NDArray[np.bool_],
    labels: Sequence[Sequence[int]] | None = None,
    split: Sequence[Split] | None = None,
    names: Sequence[str] = ("cat", "caf\udce9", "dog; cow"),
) -> Codes:
    """Return codes of the given bits, (N, K), with names that are hard to write."""
    n = len(bits)
    multi_hot = np.zeros((n, len(names)), np.uint8)
    for row, chosen in enumerate(labels or []):
        multi_hot[row, list(chosen)] = 1
    ids = [hashlib.sha256(b"%d" % row).digest() for row in range(n)]
    return Codes(
        packed=pack(bits),
        bits=bits.shape[1],
        video_ids=np.frombuffer(b"".join(ids), np.uint8).reshape(n, 32),
        paths=tuple(b"-x/\xff\n%d.mp4" % row for row in range(n)),
        labels=multi_hot,
        label_names=tuple(names),
        split=np.array(split if split is not None else [Split.NONE] * n, np.uint8),
        origin=Origin(FINGERPRINT, "cd" * 32, "0.1.0", "ef" * 32),
    )


def random_bits(n: int, bits: int, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Return coin tosses, (n, bits)."""
    return np.random.default_rng(seed).integers(0, 2, (n, bits)).astype(bool)


def features_of(content: bytes) -> npt.NDArray[np.float32]:
    """Return what our pretended backbone sees in a file: words of one letter lie close."""
    letter = np.random.default_rng(content[:1][0]).normal(size=6)
    noise = np.random.default_rng(list(content)).normal(size=(4, 6))
    return (letter + 0.2 * noise).astype(np.float32)


def video(root: Path, name: str, *, split: Split = Split.NONE) -> VideoFeatures:
    """Return the features of a file under ``root``; its folder is its label."""
    path = root / name
    content, facts = path.read_bytes(), path.stat()
    return VideoFeatures(
        path=name.encode(),
        video_id=hashlib.sha256(content).digest(),
        features=features_of(content),
        seconds=np.arange(4.0),
        index=np.arange(4),
        info=VideoInfo(4.0, 1.0, 64, 48, 4),
        status=Status.OK,
        reader=Reader.EXACT,
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        labels=(name.split("/")[0],) if "/" in name else (),
        split=split,
    )


def make_videos(root: Path, names: Sequence[str]) -> None:
    """Write one file a name; a file's first letter is that of its name."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 3)


def make_store(
    path: Path, root: Path, rows: Sequence[VideoFeatures], meta: StoreMeta = META
) -> Path:
    """Write a store of some videos."""
    names = sorted({name for row in rows for name in row.labels})
    write_store(
        path,
        root=str(root).encode(),
        meta=meta,
        rows=iter(rows),
        count=len(rows),
        label_names=names,
        allow_nan=True,
    )
    return path


def make_model(
    folder: Path,
    store: Path,
    *,
    bits: int = 16,
    fingerprint: Fingerprint = FINGERPRINT,
    **data: object,
) -> ModelFacts:
    """Save a model of random directions."""
    directions = np.random.default_rng(0).normal(size=(fingerprint.dim, bits))
    facts = ModelFacts("lsh", bits, 0, fingerprint, str(store), data={"frames": 4, **data})
    return save_model(folder, facts, {"mean": np.zeros(6), "directions": directions}, {})
