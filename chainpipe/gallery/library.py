"""The library that a gallery shows: a store, and the codes that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chainpipe.hashing.cli.encode import CODES
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import check_fingerprint
from chainpipe.hashing.retrieval.codes import Codes, read_codes
from chainpipe.hashing.retrieval.encode import encode_store, saved_codes
from chainpipe.library.model_choice import model_of
from chainpipe.pipeline.console import counted, from_here
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import FeatureStore, open_store

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True, eq=False)
class ShownLibrary:
    """What a gallery is made of.

    Attributes:
        store: The library.
        codes: Of all its N videos; ``None`` without a model.
        name: Of the model and its codes, for people; empty without.
    """

    store: FeatureStore
    codes: Codes | None
    name: str = ""


@contextmanager
def shown_library(
    path: Path,
    *,
    model: Path | None,
    codes: Path | None,
    log: Callable[[str], None],
    progress: Progress,
) -> Iterator[ShownLibrary]:
    """Open a store and the codes of its videos.

    Args:
        path: The store.
        model: A model folder; by default the newest that was trained on the store.
        codes: A codes file; by default that of the model, or codes that are made now.
        log: Told what was chosen.
        progress: Shows how far it is.

    Raises:
        NotFoundError: If a file that was named is not there.
        DamageError: If store, model or codes are damaged.
        UsageError: If the store has no videos, or the codes are of other ones.
    """
    with open_store(path) as store:
        if not len(store.videos) and not store.failed:
            raise UsageError(f"no videos in `{path}`", hint="extract some first")
        log(f"store {from_here(path)} ({counted(len(store.videos), 'video')})")
        if codes is not None and model is None:
            found = _codes_of_file(codes, store)
            log(f"codes {codes} ({counted(found.bits, 'bit')})")
            yield ShownLibrary(store, found, f"codes of {counted(found.bits, 'bit')}")
            return
        chosen = model_of(path, model)
        if chosen is None:
            log("no model of this store: neighbours are those of the mean features")
            yield ShownLibrary(store, None)
            return
        folder, facts = chosen
        log(f"model {from_here(folder)} ({facts.method}, {counted(facts.bits, 'bit')})")
        check_fingerprint(facts, store.meta.fingerprint)
        if codes is not None:
            found = _codes_of_file(codes, store)
        else:
            kept = saved_codes(folder / CODES, store, facts)
            found = kept or _encoded(store, folder, progress)
        name = f"{facts.method}, {counted(facts.bits, 'bit')}"
        yield ShownLibrary(store, found, name)


def _encoded(store: FeatureStore, folder: Path, progress: Progress) -> Codes:
    facts, hasher = load_hasher(folder)
    with progress("encode", len(store.videos)) as advance:
        return encode_store(store, facts, hasher, progress=advance)


def _codes_of_file(path: Path, store: FeatureStore) -> Codes:
    codes, videos = read_codes(path), store.videos
    if codes.paths != videos.paths or not np.array_equal(codes.video_ids, videos.ids):
        hint = f"`chainpipe encode --store {store.path}` writes codes of it"
        raise UsageError(f"the codes in `{path}` are not those of `{store.path}`", hint=hint)
    return codes
