"""The model at hand: the newest that was trained on a store."""

from __future__ import annotations

from pathlib import Path

from chainpipe.hashing.cli.moved_store import is_model_of
from chainpipe.hashing.model_folder.folder import CONFIG, ModelFacts, read_facts

MODELS = "models"


def model_of(store: Path, given: Path | None) -> tuple[Path, ModelFacts] | None:
    """Return folder and metadata of the model that a store's codes are made with.

    Args:
        store: The store.
        given: The folder that was named; by default the newest model beside the store or in the
            working folder that was trained on it.

    Raises:
        NotFoundError: If there is no model in ``given``.
        DamageError: If a model's metadata is damaged.
    """
    if given is not None:
        return given, read_facts(given)
    found = {}
    for models in (store.resolve().parent / MODELS, Path(MODELS).resolve()):
        for config in sorted(models.glob(f"*/{CONFIG}")):
            if not config.parent.name.startswith("."):
                found[config.parent] = read_facts(config.parent)
    own = [
        (facts.created, folder)
        for folder, facts in found.items()
        if is_model_of(folder, facts, store)
    ]
    return (max(own)[1], found[max(own)[1]]) if own else None
