"""Default model and store of a command, and shared options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from chainpipe.pipeline.console import counted, from_here, json_text
from chainpipe.pipeline.errors import NotFoundError
from chainpipe.pipeline.records import load_all
from chainpipe.pipeline.store import FeatureStore, open_store

from ..model_folder.folder import ModelFacts, check_fingerprint, newest_model, read_facts
from ..model_folder.hub import fetch_model, is_hub_name, parse_hub_name
from .moved_store import with_moved_store

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        help="Model folder, or hf:ORG/NAME[@REVISION] on the Hugging Face hub.",
        show_default="the newest finished one in models/",
    ),
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store", help="Feature store.", show_default="the one that the model was trained on"
    ),
]
PluginOption = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="Python module that registers plug-ins; may be repeated.",
        callback=lambda given: load_all(given or ()),
        is_eager=True,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def choose_model(given: Path | None, log: Callable[[str], None]) -> tuple[Path, ModelFacts]:
    """Return the folder and the metadata of the model to use.

    Where its store was moved along, the metadata has the store's new path.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is damaged.
    """
    if given is not None and is_hub_name(str(given)):
        name = parse_hub_name(str(given))
        folder = fetch_model(name)
        facts = read_facts(folder)
        log(f"model {name} ({facts.method}, {counted(facts.bits, 'bit')}, of the hub)")
        return folder, facts
    folder = given if given is not None else newest_model()
    facts = with_moved_store(folder, read_facts(folder))
    which = "" if given is not None else ", the newest"
    log(f"model {folder} ({facts.method}, {counted(facts.bits, 'bit')}{which})")
    return folder, facts


def open_chosen_store(
    given: Path | None, facts: ModelFacts, log: Callable[[str], None], *, read_table: bool = True
) -> FeatureStore:
    """Open the store to use, and check that its features fit the model.

    Args:
        given: The store that was named; by default the one that the model was trained on.
        facts: Facts of the model.
        log: Prints one line.
        read_table: Read the columns of all videos now, not on their first use.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is damaged.
        UsageError: If its features are of another backbone, weights, size or preprocessing.
    """
    if given is None and not facts.store:
        hint = "name a store with `--store`"
        message = "the model names no store: it was trained on arrays, or published without one"
        raise NotFoundError(message, hint=hint)
    path = given if given is not None else Path(facts.store)
    if given is None and not path.exists():
        message = f"the store that the model was trained on is gone: `{path}`"
        raise NotFoundError(message, hint="name another with `--store`")
    store = open_store(path, read_table=read_table)
    try:
        check_fingerprint(facts, store.meta.fingerprint)
    except BaseException:
        store.close()
        raise
    count = store.shape[0]
    which = "" if given is not None else _trained_on(facts, count)
    log(f"store {from_here(path)} ({counted(count, 'video')}{which})")
    return store


def _trained_on(facts: ModelFacts, rows: int) -> str:
    """Return the text for the training store, with the number of rows added or removed since.

    Models before 0.2 have no row count; it is derived for stores without splits only.
    """
    data = facts.data
    whole = data.get("split") == "all"
    trained = data["videos"] + data["copies"] + data["bad"] if whole else rows
    new = rows - data.get("rows", trained)
    words = ", which the model was trained on"
    if new > 0:
        return f"{words}; {new} of them new since"
    return f"{words}; {counted(-new, 'video')} fewer now" if new else words


def print_json(content: dict[str, object]) -> None:
    """Print one JSON object on one line to stdout."""
    print(json_text(content))
