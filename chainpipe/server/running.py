"""Options of a server, and all that is checked before any work."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path

from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.defaults import choose_model
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.library.model_choice import model_of
from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import NotFoundError, missing_package

from .access import access_rules
from .limits import ServerLimits
from .listening import listening_socket

PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}


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
    _check_gallery(asked)
    with listening_socket(asked.host, asked.port) as opened:
        model, facts = _model(asked, tools)
        from .serving import serve_library  # needs the packages that were checked

        serve_library(asked, model, facts, rules=rules, opened=opened, folder=folder, tools=tools)


def _check_packages() -> None:
    for module, package in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise missing_package("`serve`", package, extra="serve") from error


def _check_gallery(asked: ServeRequest) -> None:
    """Check before any work that there is a gallery, or that one may be made."""
    from chainpipe.gallery.page_files import MARK, PAGE, check_folder

    if asked.build:
        check_folder(asked.gallery)
    elif not all((asked.gallery / name).is_file() for name in (MARK, PAGE)):
        hint = "leave out `--no-build`, or name a folder that `chainpipe gallery` made"
        raise NotFoundError(f"there is no gallery in `{asked.gallery}`", hint=hint)


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
    here = Path(os.path.relpath(folder))
    folder = folder if ".." in here.parts else here
    tools.log(f"model {folder} ({facts.method}, {counted(facts.bits, 'bit')})")
    return folder, facts
