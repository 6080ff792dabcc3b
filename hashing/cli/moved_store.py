"""Find the store of a model after both were moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.store import open_store

from ..data.training_set import holds_training_rows, shares_videos
from ..model_folder.folder import STORE_FROM_FOLDER, ModelFacts

_FOLDERS_UP = 3  # a model is in models/ beside its store, by default


def with_moved_store(folder: Path, facts: ModelFacts) -> ModelFacts:
    """Return the metadata with the store's new path, where it was moved and is found.

    The store is looked for where it was as seen from the model folder, then under its name in the
    model folder and in those above it. It must hold the videos that the model was trained on, or
    most of a sample of them where rows were removed or given to other splits since.

    Args:
        folder: The model folder.
        facts: Its metadata.
    """
    if not facts.store:
        return facts
    before, relative = Path(facts.store), facts.data.get(STORE_FROM_FOLDER)
    moved = relative and os.path.normpath(folder.resolve() / relative) != facts.store
    # Where a moved model's store was, another library may have one of the same name now.
    if before.exists() and (not moved or _is_store_of(before, facts)):
        return facts
    for path in _places(folder.resolve(), facts):
        if path.exists() and _is_store_of(path, facts):
            return replace(facts, store=str(path.resolve()))
    return facts


def is_model_of(folder: Path, facts: ModelFacts, store: Path) -> bool:
    """Return whether a model was trained on a store, or on that of which the store is a copy.

    Args:
        folder: The model folder.
        facts: Its metadata.
        store: Any store.
    """
    if not facts.store:
        return False
    if Path(facts.store).resolve() == store.resolve():
        return True
    places = {path.resolve() for path in _places(folder.resolve(), facts)}
    return store.resolve() in places and _is_store_of(store, facts)


def _places(home: Path, facts: ModelFacts) -> Iterator[Path]:
    if relative := facts.data.get(STORE_FROM_FOLDER):
        yield Path(os.path.normpath(home / relative))
    name = Path(facts.store).name
    yield from (above / name for above in (home, *home.parents[:_FOLDERS_UP]))


def _is_store_of(path: Path, facts: ModelFacts) -> bool:
    try:
        with open_store(path) as store:
            rows = facts.data.get("rows", len(store.videos))
            if holds_training_rows(store, rows=rows, digest=facts.data.get("digest", "")):
                return True
            same = store.meta.fingerprint == facts.fingerprint
            return same and shares_videos(store, facts.data.get("content_sample", ()))
    except ChainpipeError:
        return False
