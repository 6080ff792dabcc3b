"""What a search has to learn of a library once: sampled mean features, and the second check.

Kept in the model folder as ``search.npz``, so the next search reads it in milliseconds. It is made
anew for another store, another version, or where the file is not as it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.distribution import installed_version
from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.store import FeatureStore
from chainpipe.pipeline.store.atomic import atomic_replace

from .. import matching
from ..matching.second_check import SecondCheck, Thresholds
from ..matching.space import FrameSpace
from ..model_folder.hub import is_hub_folder
from ..models.hasher import F32
from ..models.linear_hash import video_means
from ..retrieval.encode import digest
from ..retrieval.nearness import sample_rows
from ..retrieval.safe_npz import SHA256, array_digest, read_npz

FILE = "search.npz"
NAMES = ("key", "means", SHA256)
PARTS = {"space": FrameSpace, "thresholds": Thresholds}


@dataclass(frozen=True, slots=True, eq=False)
class LibraryFacts:
    """What is known of a library of N videos.

    Attributes:
        means: Mean features of at most 1000 evenly spaced videos, (S, D).
        check: The second check, fitted on the library; ``None`` where the store does not know when
            its frames are shown.
    """

    means: F32
    check: SecondCheck | None

    @property
    def centre(self) -> F32:
        """Centre of the mean features, (D,), as :func:`.rerank.sample_centre` has it."""
        return np.asarray(self.means.mean(axis=0, dtype=np.float64), np.float32)


def library_facts(
    store: FeatureStore, folder: Path, *, log: Callable[[str], None] = lambda line: None
) -> LibraryFacts:
    """Return what is known of a store, from the model folder's file or learned now and kept there.

    Args:
        store: The library.
        folder: The model folder; where it cannot be written, or is the hub's, nothing is kept.
        log: Told when it is learned.

    Raises:
        DamageError: If a row's bytes are altered.
    """
    key = _key(store)
    with suppress(ChainpipeError, KeyError, TypeError, ValueError):
        return _read(folder / FILE, key)
    log("looking at the library once, for later searches, too")
    means = video_means(store.features(sample_rows(store.shape[0])))
    facts = LibraryFacts(means, SecondCheck.fit(store) if knows_times(store) else None)
    if is_hub_folder(folder):
        return facts
    arrays = _arrays(facts, key)
    with (
        suppress(OSError, ChainpipeError),
        atomic_replace(folder / FILE) as temporary,
        temporary.open("wb") as file,
    ):
        np.savez(file, **arrays)
    return facts


def knows_times(store: FeatureStore) -> bool:
    """Return whether a store knows when its frames are shown, as published features do not."""
    return bool(np.isfinite(store.seconds(np.zeros(1, np.int64))).all())


def _key(store: FeatureStore) -> str:
    """Return what the facts depend on: the store's content, and the code that learns them."""
    code = hashlib.sha256()
    for path in sorted(Path(matching.__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    known = store.table_sha256 or digest(store.videos)
    fingerprint = store.meta.fingerprint.weights_sha256
    return json.dumps([known, fingerprint, installed_version(), code.hexdigest()])


def _arrays(facts: LibraryFacts, key: str) -> dict[str, Any]:
    """Return the facts as arrays; those of ``check`` by the names of its fields."""
    found = {"key": np.array(key), "means": facts.means.astype(np.float32)}
    for part, kind in PARTS.items() if facts.check is not None else ():
        record = getattr(facts.check, part)
        found |= {
            f"{part}.{one.name}": np.asarray(getattr(record, one.name)) for one in fields(kind)
        }
    return found | {SHA256: np.array(array_digest(found))}


def _read(path: Path, key: str) -> LibraryFacts:
    """Read the file.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is damaged.
        ValueError: If it is of another store or version.
    """
    names = [f"{part}.{one.name}" for part, kind in PARTS.items() for one in fields(kind)]
    how = {"what": "file of a search", "hint": "delete it"}
    found = read_npz(path, NAMES, **how, optional=names)
    if str(found["key"]) != key or str(found[SHA256]) != array_digest(found):
        raise ValueError("it is of another store or version")
    if not any(name in found for name in names):
        return LibraryFacts(found["means"], None)
    parts = {part: _record(part, kind, found) for part, kind in PARTS.items()}
    return LibraryFacts(found["means"], SecondCheck(**parts))


def _record(part: str, kind: Callable[..., Any], found: Mapping[str, Any]) -> Any:
    values = {one.name: found[f"{part}.{one.name}"] for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: one if one.ndim else one.item() for name, one in values.items()})
