"""``chainpipe find``: find clips in films, with times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import FailedVideo, raise_if_ours
from chainpipe.pipeline.store import FeatureStore, open_store

from .context import Tools, tools_of
from .defaults import PluginOption, choose_model
from .encode import CODES, SOME_FAILED

if TYPE_CHECKING:
    from ..films.finder import ClipFinder
    from ..films.library import ModelWindows
    from ..matching.records import FrameSequence
    from ..reporting.clip_places import FoundClip

AT_A_TIME = 64  # clips that are extracted at once

Clip = tuple[str, Path, "FrameSequence"]


def find(
    context: typer.Context,
    clips: Annotated[
        list[Path] | None,
        typer.Argument(metavar="CLIP", help="Video files that are looked for."),
    ] = None,
    films: Annotated[
        Path | None,
        typer.Option("--in", metavar="STORE", help="Store of the films, made with --every."),
    ] = None,
    every_clip: Annotated[
        Path | None,
        typer.Option("--all", metavar="FOLDER", help="Look for all videos of a folder or a store."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Model whose codes give the candidates.",
            show_default="codes learned from the films",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index", metavar="FILE", help="Kept index.", show_default="STORE.find.npz beside it"
        ),
    ] = None,
    most: Annotated[int, typer.Option("--most", help="Most places of a clip.", min=1)] = 10,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw both ends of each place beside the clip's (PNG)."),
    ] = None,
    plugin: PluginOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each place, one a line.")
    ] = False,
) -> None:
    """Find the places of films that clips show, with times.

    The films: `chainpipe extract films/ --every 0.5 --out films.h5`. A clip may be cut out, changed
    in look, size or speed, or coded anew. One that is in no film is told so, with exit code 0.

    Examples: chainpipe find clip.mp4 --in films.h5 · chainpipe find --all clips/ --in films.h5
    """
    from ..films.library import clip_finder
    from ..reporting.clip_places import draw_places, json_lines, lines_of

    tools = tools_of(context)
    if films is None:
        hint = "`chainpipe extract films/ --every 0.5 --out films.h5` makes one"
        raise UsageError("`--in` is missing: the store of the films", hint=hint)
    if not clips and every_clip is None:
        raise UsageError("no clip is named", hint="name video files, or a folder with `--all`")
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    if picture is not None and not picture.parent.is_dir():
        message = f"there is no folder `{picture.parent}` for `{picture.name}`"
        raise UsageError(message, hint="make it first, or name another place")
    with open_store(films) as store:
        _describe(store, tools)
        chosen = None if model is None else _model(model, store, tools)
        index_file = index or _beside(films)
        finder = clip_finder(
            store, index_file=index_file, model=chosen, progress=tools.progress, log=tools.log
        )
        failed: list[FailedVideo] = []
        asked = _clips(clips or (), every_clip, store, tools, failed)
        found = _find(finder, asked, most, tools)
        _check_found(found, failed)
        paths = store.videos.paths
        for line in (json_lines if as_json else lines_of)(found, paths):
            print(line)
        if picture is not None and any(one.places for one in found):
            root = Path(os.fsdecode(store.root))
            draw_places(picture, found, paths, root, tools.moments)
            tools.log(f"wrote {picture}")
        elif picture is not None:
            tools.log("no place was found: nothing is drawn")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _beside(films: Path) -> Path:
    from ..films.index_file import index_path

    return index_path(films)


def _describe(store: FeatureStore, tools: Tools) -> None:
    from ..films.library import COARSE, coarseness

    tools.log(f"store {store.path} ({counted(len(store.videos), 'video')})")
    least, most = coarseness(store)
    if most:
        gap = " to ".join(dict.fromkeys(f"{one:.1f}" for one in (least, most)))
        words = f"{store.shape[1]} frames of each video, one every {gap} s"
        advice = "; films need `extract --every 0.5`" if most > COARSE else ""
        tools.log(f"{words}: times are that coarse{advice}")


def _model(given: Path, store: FeatureStore, tools: Tools) -> ModelWindows:
    """Return a model and its codes of the store's windows, which are made if they are not kept.

    Raises:
        UsageError: If the features do not fit the model.
        DamageError: If the model or its codes file is damaged.
    """
    from ..films.library import ModelWindows
    from ..methods.registry import load_hasher
    from ..model_folder.folder import check_fingerprint
    from ..retrieval.encode import saved_codes
    from ..retrieval.encode_windows import encode_windows

    folder, facts = choose_model(given, tools.log)
    check_fingerprint(facts, store.meta.fingerprint)
    _, hasher = load_hasher(folder)
    saved = saved_codes(folder / CODES, store, facts)
    if saved is not None and saved.windows is not None:
        return ModelWindows(hasher, saved.windows)
    with tools.progress("encode windows", len(store.videos)) as advance:
        return ModelWindows(hasher, encode_windows(store, hasher, progress=advance))


def _clips(
    clips: Sequence[Path],
    every_clip: Path | None,
    store: FeatureStore,
    tools: Tools,
    failed: list[FailedVideo],
) -> Iterator[Clip]:
    """Yield the name, file and frames of each clip; what cannot be read goes to ``failed``."""
    from .encode import is_store

    named = [file for clip in clips for file in (tools.find(clip) if clip.is_dir() else [clip])]
    yield from _files([(str(file), file) for file in named], store, tools, failed)
    if every_clip is None:
        return
    if is_store(every_clip):
        yield from _rows(every_clip, store)
        return
    files = tools.find(every_clip)
    yield from _files([(str(file), file) for file in files], store, tools, failed)


def _files(
    named: Sequence[tuple[str, Path]], store: FeatureStore, tools: Tools, failed: list[FailedVideo]
) -> Iterator[Clip]:
    import numpy as np

    from ..films.library import clip_meta
    from ..matching.records import FrameSequence

    for start in range(0, len(named), AT_A_TIME):
        some = named[start : start + AT_A_TIME]
        results = tools.sequences([file for _, file in some], clip_meta(store.meta))
        for (name, file), result in zip(some, results, strict=True):
            if isinstance(result, FailedVideo):
                failed.append(result)
                path = printable(os.fsencode(file))
                tools.log(f"{result.status.label} {path}: {result.message}")
                continue
            features = result.features.astype(np.float32)
            yield name, file, FrameSequence(features, result.seconds, result.info.duration)


def _rows(path: Path, store: FeatureStore) -> Iterator[Clip]:
    """Yield the videos of another store.

    Raises:
        UsageError: If its features are others, or nobody knows when its frames are shown.
    """
    import numpy as np

    from ..matching.records import FrameSequence

    with open_store(path) as clips:
        there, here = clips.meta.fingerprint, store.meta.fingerprint
        if differences := there.differences(here):
            listed = ", ".join(f"`{one}`" for one in differences)
            message = f"the features of `{path}` and of the films differ (there / here): {listed}"
            raise UsageError(message, hint="extract both with the same backbone and options")
        root = Path(os.fsdecode(clips.root))
        for row, name in enumerate(clips.videos.paths):
            frames = clips.sequence(row)
            if not np.isfinite(frames.seconds).all():
                hint = "`chainpipe extract CLIPS --every 0.25` makes a store that does"
                raise UsageError(f"`{path}` does not say when its frames are shown", hint=hint)
            features = frames.features.astype(np.float32)
            clip = FrameSequence(features, frames.seconds, float(clips.videos.duration[row]))
            yield os.fsdecode(name), root / os.fsdecode(name), clip


def _find(finder: ClipFinder, asked: Iterator[Clip], most: int, tools: Tools) -> list[FoundClip]:
    from ..reporting.clip_places import FoundClip

    found = []
    with tools.progress("find", None) as advance:
        for name, file, clip in asked:
            found.append(FoundClip(name, file, clip.duration, finder.find(clip, most=most)))
            advance(1)
    return found


def _check_found(found: Sequence[FoundClip], failed: Sequence[FailedVideo]) -> None:
    """Refuse a search of which no clip could be read.

    Raises:
        BugError: If that is our fault.
        UsageError: Otherwise.
    """
    if not found:
        raise_if_ours(failed)
        raise UsageError("no clip that can be read", hint="the reason for each is printed above")
