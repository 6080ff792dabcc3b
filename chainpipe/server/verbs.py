"""The verb serve."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from chainpipe.gallery.options import (
    CodesFile,
    DecisionsFile,
    DuplicatesFile,
    Look,
    ModelOfStore,
)
from chainpipe.hashing.cli.context import tools_of
from chainpipe.hashing.cli.defaults import PluginOption
from chainpipe.pipeline.options import BackboneOptions

from .limits import ServerLimits

LIMITS = ServerLimits()
PORT = 8000


def serve(
    context: typer.Context,
    store: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE", help="A feature store.", show_default="the one of the model"
        ),
    ] = None,
    model: ModelOfStore = None,
    codes: CodesFile = None,
    gallery: Annotated[
        Path, typer.Option("--gallery", metavar="DIR", help="Folder of the gallery.")
    ] = Path("gallery"),
    build: Annotated[
        bool,
        typer.Option("--build/--no-build", help="Bring the gallery up to date before serving."),
    ] = True,
    duplicates: DuplicatesFile = None,
    look: Look = True,
    decisions: DecisionsFile = None,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; others than this need a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = PORT,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="CHAINPIPE_TOKEN",
            help="What requests must show; `auto` makes one and prints it.",
            show_default="none",
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="Further name of this server, such as a proxy's; may be repeated.",
        ),
    ] = None,
    max_upload: Annotated[
        int, typer.Option("--max-upload", min=1, help="Most MB of an uploaded file.")
    ] = LIMITS.upload // 1_000_000,
    readers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Uploads decoded at a time.", show_default="one a core"
        ),
    ] = None,
    max_uploads: Annotated[
        int,
        typer.Option("--max-uploads", min=1, help="Uploads received, waiting and decoded."),
    ] = LIMITS.uploads,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", min=1, help="Seconds to decode an upload.")
    ] = LIMITS.reading,
    device: Annotated[
        str, typer.Option("--device", help="auto, cpu or cuda.")
    ] = BackboneOptions.device,
    trust_weights: Annotated[
        bool, typer.Option("--trust-weights", help="Read pickled weights.")
    ] = BackboneOptions.trust_weights,
    plugin: PluginOption = None,
) -> None:
    """Serve a library to browsers and programs: its gallery, search by upload, a JSON API.

    Needs the extra `serve`. Only this machine is served unless `--host` says otherwise. Uploads are
    decoded in limited child processes and never kept. Ctrl-C ends it.

    Examples: chainpipe serve feats.h5 · chainpipe serve feats.h5 --host 0.0.0.0 --token auto
    """
    from .running import ServeRequest, run_server

    request = ServeRequest(
        store=store, model=model, codes=codes, gallery=gallery, build=build,
        duplicates=duplicates, look=look, decisions=decisions, host=host, port=port, token=token,
        names=tuple(names or ()), device=device, trust_weights=trust_weights,
        limits=ServerLimits(
            upload=max_upload * 1_000_000,
            readers=readers or LIMITS.readers,
            uploads=max_uploads,
            reading=max_seconds,
        ),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="chainpipe-serve-") as folder:
        run_server(request, Path(folder), tools_of(context))
