"""The verbs about finished stores: info and verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.talk import Talk, shown

Store = Annotated[Path, typer.Argument(metavar="STORE", help="A `.h5` or `.zarr` store.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def info(store: Store, as_json: Json = False) -> None:
    """Show what is inside a feature store.

    Example: chainpipe info feats.h5
    """
    from rich.console import Console

    from pipeline.info import failures_table, store_facts, store_table
    from pipeline.store import open_store

    with open_store(store) as opened:
        if as_json:
            typer.echo(json.dumps(store_facts(opened), indent=2))
            return
        console = Console(highlight=False)
        console.print(store_table(opened))
        if opened.failed:
            console.print(failures_table(opened))


def verify(store: Store, as_json: Json = False) -> None:
    """Check every byte of a feature store; exit with 4 if any is damaged.

    Example: chainpipe verify feats.h5
    """
    from pipeline.store import open_store

    with open_store(store) as opened:
        damage = list(opened.damage())
        count = len(opened.videos)
    if as_json:
        facts = {"schema": 1, "path": shown(store), "videos": count, "damage": damage}
        typer.echo(json.dumps(facts, indent=2))
    else:
        for line in damage:
            typer.echo(line)
    if damage:
        Talk().hint("extract these videos again with `--restart`, or take a copy of the store")
        raise typer.Exit(4)
    Talk().success(f"`{shown(store)}` is whole: {count} videos")
