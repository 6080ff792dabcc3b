"""The verb gallery."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainpipe.library.store_choice import only_store
from chainpipe.pipeline.console import Console, counted, json_text

from .build import GalleryReport, build_gallery
from .code_map import MapKind
from .inputs import NEIGHBOURS, THUMBNAILS, GalleryInputs
from .options import CodesFile, DecisionsFile, DuplicatesFile, Look, ModelOfStore


def gallery(
    store: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="A feature store.", show_default="the one in this folder"
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the pages.")] = Path(
        "gallery"
    ),
    model: ModelOfStore = None,
    codes: CodesFile = None,
    duplicates: DuplicatesFile = None,
    look: Look = True,
    finds: Annotated[
        Path | None,
        typer.Option("--finds", metavar="FILE", help="What `find --json` printed."),
    ] = None,
    decisions: DecisionsFile = None,
    neighbours: Annotated[
        int, typer.Option("--neighbours", min=1, help="Nearest videos of each video.")
    ] = NEIGHBOURS,
    map_: Annotated[
        MapKind, typer.Option("--map", help="How the map of all videos is made.")
    ] = MapKind.TSNE,
    thumbnails: Annotated[
        int, typer.Option("--thumbnails", min=1, help="Frames of each video.")
    ] = THUMBNAILS,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Videos at a time.", show_default="one a core"),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Make all pictures anew; the old ones go last.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors and the answer.")] = (
        False
    ),
) -> None:
    """Make a folder of pages to look at a library, its neighbours and its duplicates.

    DIR/index.html opens from disk, without a server or a network. A second run decodes only what is
    new. Duplicates are reviewed with the keyboard; decisions are saved as a file for `dedup`.

    Examples: chainpipe gallery feats.h5 · chainpipe gallery feats.h5 --finds found.jsonl --out g
    """
    console = Console(quiet=quiet)
    inputs = GalleryInputs(
        *(model, codes, duplicates, look, finds, decisions),
        *(neighbours, map_, thumbnails, workers),
    )
    report = build_gallery(
        store or only_store(Path()),
        out,
        inputs,
        restart=restart,
        log=console.log,
        progress=console.progress,
    )
    console.log(
        f"{counted(report.videos, 'video')}, {counted(report.pairs, 'pair')} to review, "
        f"{counted(report.places, 'place')} of clips in films"
    )
    print(json_text(_facts(report)) if as_json else report.page)


def _facts(report: GalleryReport) -> dict[str, object]:
    names = ("videos", "pairs", "places", "without", "removed")
    told = {name: getattr(report, name) for name in names}
    return {"schema": 1, "page": str(report.page)} | told
