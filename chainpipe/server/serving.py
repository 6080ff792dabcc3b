"""From checked options to a running server: library, duplicates, gallery, then requests."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import typer

from chainpipe.gallery.build import build_gallery
from chainpipe.gallery.inputs import GalleryInputs
from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.duplicates.decisions import decisions_beside, read_decisions
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.pipeline.console import counted
from chainpipe.pipeline.options import available_cpus

from .access import AUTO, AccessRules
from .application import make_application
from .listening import address_of, serve_application
from .reading import VideoReading
from .routes import LibraryApi
from .running import ServeRequest
from .served_duplicates import ServedDuplicates, write_duplicates
from .served_library import ServedLibrary, served_library

FOUND, UPLOADS = "duplicates.jsonl", "uploads"


def serve_library(
    asked: ServeRequest,
    model: Path,
    facts: ModelFacts,
    *,
    rules: AccessRules,
    opened: socket.socket,
    folder: Path,
    tools: Tools,
) -> None:
    """Serve a library until a signal.

    Args:
        asked: The options.
        model: The model folder.
        facts: Of the model.
        rules: Who may ask.
        opened: A socket that listens.
        folder: An empty folder for what the server writes while it runs.
        tools: Of the command.

    Raises:
        UsageError: If files do not belong together.
        NotFoundError: If one is not there.
        DamageError: If one is damaged.
        StorageError: If the gallery cannot be written.
    """
    with served_library(
        model, facts, codes=asked.codes, store=asked.store, tools=tools,
        trust_weights=asked.trust_weights,
    ) as library:  # fmt: skip
        decisions = asked.decisions or decisions_beside(library.store.path)
        read_decisions(decisions)
        lines = _duplicates(asked, library, folder / FOUND, tools)
        found = ServedDuplicates(library, lines, decisions)
        if asked.build:
            _build(asked, library.store.path, model, lines, decisions, tools)
        uploads = folder / UPLOADS
        uploads.mkdir()
        api = LibraryApi(library, found, _reading(asked, library, tools), asked.limits, uploads)
        _tell(asked, rules, address_of(opened, asked.host), len(library), tools)
        app = make_application(api, asked.gallery, rules)
        serve_application(app, opened, connections=asked.limits.connections)


def _duplicates(
    asked: ServeRequest, library: ServedLibrary, path: Path, tools: Tools
) -> Path | None:
    """Return the file of duplicates, which is made now if none was named; ``None`` for none."""
    if asked.duplicates is not None or not asked.look:
        return asked.duplicates
    packed, workers = np.asarray(library.library.codes.packed), available_cpus()
    write_duplicates(path, library.store, packed, workers=workers, progress=tools.progress)
    return path


def _build(
    asked: ServeRequest,
    store: Path,
    model: Path,
    duplicates: Path | None,
    decisions: Path,
    tools: Tools,
) -> None:
    """Bring the gallery up to date."""
    inputs = GalleryInputs(
        model=model,
        codes=asked.codes,
        duplicates=duplicates,
        look=False,
        decisions=decisions,
        workers=asked.limits.readers,
    )
    built = build_gallery(store, asked.gallery, inputs, progress=tools.progress)
    if built.without:
        tools.log(f"{built.without} of {counted(built.videos, 'video')} without pictures")


def _reading(asked: ServeRequest, library: ServedLibrary, tools: Tools) -> VideoReading:
    reading = VideoReading(
        library.store.meta,
        seconds=asked.limits.reading,
        device=asked.device,
        trust_weights=asked.trust_weights,
    )
    reading.prepare()
    if reading.lacks:
        tools.warn(f"files cannot be searched for: {reading.lacks}")
    return reading


def _tell(asked: ServeRequest, rules: AccessRules, address: str, videos: int, tools: Tools) -> None:
    """Print the address on stdout; a token that was made, once, on stderr."""
    if asked.token == AUTO:
        tools.log(f"token: {rules.token}")
        tools.log(f"open {address}?token={rules.token}")
    tools.log(f"serving {counted(videos, 'video')} at {address}; Ctrl-C ends it")
    typer.echo(address)
