"""From options to a running server: checks first, then the library, the gallery, the port."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer

from chainpipe.distribution import extra_hint
from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.defaults import choose_model
from chainpipe.hashing.duplicates.decisions import decisions_beside, read_decisions
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.library.model_choice import model_of
from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.options import available_cpus

from .access import AUTO, AccessRules, access_rules
from .limits import ServerLimits
from .listening import address_of, listening_socket, serve_application

PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
FOUND = "duplicates.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeRequest:
    """Options of the verb ``serve``.

    Attributes:
        store: The store; by default that of the model.
        model: The model folder; by default the newest of the store.
        codes: Codes file; by default the model's own.
        gallery: Folder of the gallery.
        build: Whether the gallery is brought up to date first.
        duplicates: What ``dedup --json`` printed.
        look: Whether duplicates are looked for where no file names them.
        decisions: File of decisions; by default beside the store.
        host: Address to listen at.
        port: Port; 0 for a free one.
        token: What requests must show; ``auto`` makes one.
        names: Further names of the server.
        device: For the backbone.
        trust_weights: Whether pickled weights may be read.
        limits: Of the server.
    """

    store: Path | None
    model: Path | None
    codes: Path | None
    gallery: Path
    build: bool
    duplicates: Path | None
    look: bool
    decisions: Path | None
    host: str
    port: int
    token: str | None
    names: tuple[str, ...]
    device: str
    trust_weights: bool
    limits: ServerLimits


def run_server(asked: ServeRequest, folder: Path, tools: Tools) -> None:
    """Serve until a signal.

    Args:
        asked: The options.
        folder: An empty folder for uploads.
        tools: Of the command.

    Raises:
        UsageError: If a package is missing, a value is wrong, the port is taken, no token guards a
            server for other machines, or files do not belong together.
        NotFoundError: If a store, a model or a file is not there.
        DamageError: If one is damaged.
        StorageError: If the gallery cannot be written.
    """
    _check_packages()
    rules = access_rules(asked.host, asked.names, asked.token)
    with listening_socket(asked.host, asked.port) as opened:
        address = address_of(opened, asked.host)
        from .served_library import served_library

        model, facts = _model(asked, tools)
        with served_library(
            model, facts, codes=asked.codes, store=asked.store, tools=tools
        ) as library:
            from .application import make_application
            from .reading import VideoReading
            from .routes import LibraryApi
            from .served_duplicates import ServedDuplicates, write_duplicates

            decisions = asked.decisions or decisions_beside(library.store.path)
            read_decisions(decisions)
            lines = asked.duplicates
            if lines is None and asked.look:
                lines = folder / FOUND
                packed = np.asarray(library.library.codes.packed)
                workers = available_cpus()
                write_duplicates(
                    lines, library.store, packed, workers=workers, progress=tools.progress
                )
            _build(asked, library.store.path, model, lines, decisions, tools)
            reading = VideoReading(
                library.store.meta, seconds=asked.limits.reading, device=asked.device,
                trust_weights=asked.trust_weights,
            )  # fmt: skip
            reading.prepare()
            if reading.lacks:
                tools.warn(f"files cannot be searched for: {reading.lacks}")
            uploads = folder / "uploads"
            uploads.mkdir()
            found = ServedDuplicates(library, lines, decisions)
            api = LibraryApi(library, found, reading, asked.limits, uploads)
            _tell(asked, rules, address, len(library), tools)
            serve_application(
                make_application(api, asked.gallery, rules), opened,
                connections=asked.limits.connections,
            )  # fmt: skip


def _check_packages() -> None:
    for module, package in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            hint = f"`{extra_hint('serve')}` installs it"
            raise UsageError(f"the package {package} is not installed", hint=hint) from error


def _model(asked: ServeRequest, tools: Tools) -> tuple[Path, ModelFacts]:
    if asked.store is None:
        return choose_model(asked.model, tools.log)
    if not asked.store.exists():
        hint = "`chainpipe extract VIDEOS` makes one"
        raise NotFoundError(f"there is no store `{asked.store}`", hint=hint)
    found = model_of(asked.store, asked.model)
    if found is None:
        hint = f"`chainpipe train {asked.store}` makes one, or name one with `--model`"
        raise NotFoundError(f"no model was trained on `{asked.store}`", hint=hint)
    folder, facts = found
    tools.log(f"model {folder} ({facts.method}, {counted(facts.bits, 'bit')})")
    return folder, facts


def _build(
    asked: ServeRequest,
    store: Path,
    model: Path,
    duplicates: Path | None,
    decisions: Path,
    tools: Tools,
) -> None:
    """Bring the gallery up to date, or check that there is one."""
    from chainpipe.gallery.build import GalleryInputs, build_gallery
    from chainpipe.gallery.page_files import MARK, PAGE

    if not asked.build:
        if not (asked.gallery / MARK).is_file() or not (asked.gallery / PAGE).is_file():
            hint = "leave out `--no-build`, or name a folder that `chainpipe gallery` made"
            raise NotFoundError(f"there is no gallery in `{asked.gallery}`", hint=hint)
        return
    inputs = GalleryInputs(
        model=model,
        codes=asked.codes,
        duplicates=duplicates,
        look=False,
        decisions=decisions,
        workers=asked.limits.readers,
    )
    build_gallery(store, asked.gallery, inputs, log=tools.log, progress=tools.progress)


def _tell(asked: ServeRequest, rules: AccessRules, address: str, videos: int, tools: Tools) -> None:
    """Print the address on stdout; a token that was made, once, on stderr."""
    if asked.token == AUTO:
        tools.log(f"token: {rules.token}")
        tools.log(f"open {address}?token={rules.token}")
    tools.log(f"serving {counted(videos, 'video')} at {address}; Ctrl-C ends it")
    typer.echo(address)
