"""``chainpipe verify``: stores are checked by stage one, codes files by stage two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from chainpipe.hashing.retrieval.codes import read_codes
from chainpipe.hashing.retrieval.safe_npz import MAGIC
from chainpipe.pipeline.cli.stores import Json
from chainpipe.pipeline.cli.stores import verify as verify_store
from chainpipe.pipeline.console import Console, counted, printable
from chainpipe.pipeline.errors import DamageError


def verify(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A `.h5` or `.zarr` store, or a codes file.")
    ],
    as_json: Json = False,
) -> None:
    """Check every byte of a feature store or a codes file; exit with 4 if any is damaged.

    Examples: chainpipe verify feats.h5 · chainpipe verify models/feats-chain-32/codes.npz
    """
    if _is_codes(path):
        _verify_codes(path, as_json=as_json)
    else:
        verify_store(path, as_json)


def _is_codes(path: Path) -> bool:
    if path.suffix == ".npz":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:  # a folder, or nothing that is there
        return False


def _verify_codes(path: Path, *, as_json: bool) -> None:
    console, damage, count = Console(), list[str](), None
    hint = None
    try:
        with console.progress("read every byte", None):
            count = len(read_codes(path, whole=True))
    except DamageError as error:
        damage, hint = [str(error)], error.hint
    if as_json:
        facts = {"schema": 1, "path": printable(path), "videos": count, "damage": damage}
        typer.echo(json.dumps(facts, indent=2))
    else:
        for line in damage:
            typer.echo(line)
    if damage:
        console.hint(hint or "")
        raise typer.Exit(4)
    console.success(f"`{printable(path)}` is whole: {counted(count or 0, 'code')}")
