"""Options that `gallery` and `serve` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ModelOfStore = Annotated[
    Path | None,
    typer.Option(
        "--model", help="Model folder.", show_default="the newest that was trained on STORE"
    ),
]
CodesFile = Annotated[
    Path | None,
    typer.Option("--codes", help="Codes file.", show_default="codes.npz in the model folder"),
]
DuplicatesFile = Annotated[
    Path | None,
    typer.Option(
        "--duplicates",
        metavar="FILE",
        help="What `dedup STORE --json` printed.",
        show_default="STORE is looked through now",
    ),
]
Look = Annotated[
    bool,
    typer.Option("--look/--no-look", help="Look for duplicates if no file names them."),
]
DecisionsFile = Annotated[
    Path | None,
    typer.Option(
        "--decisions", help="File of decisions.", show_default="decisions.jsonl beside STORE"
    ),
]
