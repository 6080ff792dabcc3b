"""``chainpipe encode``: encode a store or a folder of videos into one codes file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import FailedVideo, StoreMeta, VideoFeatures, raise_if_ours
from chainpipe.pipeline.store import FeatureStore
from chainpipe.pipeline.store.published.layouts import layout_of

from ..model_folder.folder import ModelFacts
from ..model_folder.hub import is_hub_folder
from .context import Tools, tools_of
from .defaults import (
    JsonOption,
    ModelOption,
    PluginOption,
    StoreOption,
    choose_model,
    open_chosen_store,
    print_json,
)

if TYPE_CHECKING:
    from ..models.hasher import Hasher
    from ..retrieval.codes import Codes

AT_A_TIME = 256  # videos of a folder per batch, which bounds memory
CODES = "codes.npz"
SOME_FAILED = 3


def encode(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="STORE_OR_FOLDER",
            help="A feature store, or a folder of videos.",
            show_default="the store that the model was trained on",
        ),
    ] = None,
    model: ModelOption = None,
    store: StoreOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Codes file.", show_default="codes.npz in the model folder"),
    ] = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn every video into a binary code and write them all to one file.

    Examples: chainpipe encode · chainpipe encode more.h5 --out more.npz
    """
    from ..methods.registry import load_hasher
    from ..retrieval.codes import write_codes

    tools = tools_of(context)
    if source is not None and store is not None:
        message = f"both `{source}` and `--store {store}` are given"
        raise UsageError(message, hint="one of them is enough")
    folder, facts = choose_model(model, tools.log)
    if out is None and is_hub_folder(folder):
        hint = "name the codes file with `--out`"
        raise UsageError("a model of the hub has no folder for codes", hint=hint)
    failed: list[FailedVideo] = []
    if source is not None and not is_store(source):
        videos = tools.find(source)
        codes, failed = _encode_folder(source, videos, facts, load_hasher(folder)[1], tools)
    else:
        codes = _encode_store(source or store, folder, facts, tools)
    out = out or folder / CODES
    write_codes(out, codes)
    _report(out, codes, len(failed), tools, as_json=as_json)
    if failed:
        raise typer.Exit(SOME_FAILED)


def is_store(source: Path) -> bool:
    """Return whether a path is a store, or has a store's suffix, and not a folder of videos."""
    if source.is_dir() and source.suffix not in {".zarr", ".parts"}:
        return (source / "zarr.json").exists() or layout_of(source) is not None
    return source.exists() or source.suffix in {".h5", ".zarr", ".parts"}


def _encode_store(given: Path | None, folder: Path, facts: ModelFacts, tools: Tools) -> Codes:
    with open_chosen_store(given, facts, tools.log) as store:
        return encode_whole(store, folder, facts, tools)


def encode_whole(store: FeatureStore, folder: Path, facts: ModelFacts, tools: Tools) -> Codes:
    """Encode all videos of a store by the model in a folder, with a progress bar.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store or the model is damaged.
    """
    from ..methods.registry import load_hasher
    from ..retrieval.encode import encode_store

    _, hasher = load_hasher(folder)
    with tools.progress("encode", len(store.videos)) as advance:
        codes = encode_store(store, facts, hasher, progress=advance)
    if not store.meta.every:
        return codes
    from ..retrieval.encode_windows import encode_windows

    with tools.progress("encode windows", len(store.videos)) as advance:
        return replace(codes, windows=encode_windows(store, hasher, progress=advance))


def _encode_folder(
    root: Path, videos: Sequence[Path], facts: ModelFacts, hasher: Hasher, tools: Tools
) -> tuple[Codes, list[FailedVideo]]:
    from ..retrieval.codes import joined
    from ..retrieval.encode import encode_videos

    tools.log(f"folder {root} ({counted(len(videos), 'video')})")
    meta = training_meta(facts)
    parts, failed = [], []
    with tools.progress("extract and encode", len(videos)) as advance:
        for start in range(0, len(videos), AT_A_TIME):
            paths = videos[start : start + AT_A_TIME]
            good, bad = _sorted_out(root, paths, tools.features(paths, meta))
            parts.append(encode_videos(good, facts, hasher))
            failed += bad
            advance(len(paths))
    for one in failed:
        tools.log(f"{one.status.label} {printable(one.path)}: {one.message}")
    if len(failed) == len(videos):
        raise_if_ours(failed)
        message = f"no video in `{root}` that can be read"
        raise UsageError(message, hint="the reason for each is printed above")
    return joined(parts), failed


def training_meta(facts: ModelFacts) -> StoreMeta:
    """Return the extraction settings of a model's training features."""
    return StoreMeta(facts.fingerprint, frames=int(facts.data.get("frames", 25)))


def _sorted_out(
    root: Path, paths: Sequence[Path], results: Sequence[VideoFeatures | FailedVideo]
) -> tuple[list[VideoFeatures], list[FailedVideo]]:
    """Split results into features and failures; paths become relative to the folder."""
    good: list[VideoFeatures] = []
    bad: list[FailedVideo] = []
    for path, result in zip(paths, results, strict=True):
        name = os.fsencode(os.path.relpath(path, root))
        if isinstance(result, FailedVideo):
            bad.append(replace(result, path=name))
        else:
            good.append(replace(result, path=name, labels=()))
    return good, bad


def _report(out: Path, codes: Codes, failed: int, tools: Tools, *, as_json: bool) -> None:
    lost = f", {failed} failed" if failed else ""
    tools.log(f"wrote {out}: {counted(len(codes), 'code')} of {counted(codes.bits, 'bit')}{lost}")
    if as_json:
        facts: dict[str, object] = {"schema": 1, "codes": str(out), "videos": len(codes)}
        print_json(facts | {"bits": codes.bits, "failed": failed})
    else:
        print(out)
