"""``chainpipe search``: find the nearest videos of a query by Hamming distance."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import FailedVideo, raise_if_ours
from chainpipe.pipeline.store import FeatureStore

from ..model_folder.folder import ModelFacts
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
from .encode import CODES, SOME_FAILED, encode_whole

if TYPE_CHECKING:
    from ..reporting.search_results import Found
    from ..retrieval.bitpack import U8
    from ..retrieval.codes import Codes
    from ..retrieval.query import Query, VideoNames


def search(
    context: typer.Context,
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="A video file, a path in the store, or at least 8 digits of a video's id.",
        ),
    ],
    model: ModelOption = None,
    store: StoreOption = None,
    k: Annotated[int, typer.Option("--k", help="Number of results per query.")] = 10,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw a contact sheet of the results (PNG).")
    ] = None,
    keep_self: Annotated[
        bool, typer.Option("--keep-self", help="Keep a query in its own results.")
    ] = False,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the videos most similar to a query, nearest first.

    A query that is in the store is left out of its own results.

    Examples: chainpipe search holiday.mp4 · chainpipe search 3f2a9c01 --k 5 --picture sheet.png
    """
    from ..reporting.search_results import print_tables, to_json
    from ..retrieval.encode import saved_codes
    from ..retrieval.query import find_queries

    tools = tools_of(context)
    if k < 1:
        raise UsageError(f"`--k {k}` is impossible", hint="1 or more")
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    folder, facts = choose_model(model, tools.log)
    with open_chosen_store(store, facts, tools.log, read_table=False) as opened:
        saved = saved_codes(folder / CODES, opened, facts)
        asked = find_queries(queries, _names(opened, saved))
        codes = saved or encode_whole(opened, folder, facts, tools)
        asked, bits = _query_codes(asked, codes, folder, facts, opened, tools)
        found = _answers(asked, bits, codes, k, keep_self=keep_self, tools=tools)
        root = Path(os.fsdecode(opened.root))
    if as_json:
        print_json(to_json(found, codes, method=facts.method))
    else:
        print_tables(found, codes)
    if picture is not None:
        from ..reporting.search_sheet import draw

        draw(picture, found, codes, root, method=facts.method, thumbnails=tools.thumbnails)
        tools.log(f"wrote {picture}")
    if len(asked) < len(queries):
        raise typer.Exit(SOME_FAILED)


def _names(store: FeatureStore, codes: Codes | None) -> VideoNames:
    """Return the names of a store's videos, from its codes if there are some."""
    from ..retrieval.query import VideoNames

    def file_state(row: int) -> tuple[int, int]:
        return int(store.videos.size[row]), int(store.videos.mtime_ns[row])

    if codes is not None:
        return VideoNames(codes.paths, codes.video_ids, store.root, file_state)
    return VideoNames(store.videos.paths, store.videos.ids, store.root, file_state)


def _query_codes(
    asked: Sequence[Query],
    codes: Codes,
    folder: Path,
    facts: ModelFacts,
    store: FeatureStore,
    tools: Tools,
) -> tuple[list[Query], U8]:
    """Return the queries that have a code, and their codes, (Q, bytes)."""
    import numpy as np

    files = [one.file for one in asked if one.file]
    new, failed = _encode_files(files, folder, facts, store, tools)
    if not any(one.rows or one.file in new for one in asked):
        raise_if_ours(failed)
        raise UsageError("no query that can be read", hint="the reason for each is printed above")
    kept = [one for one in asked if one.rows or one.file in new]
    lines = [codes.packed[one.rows[0]] if one.rows else new[one.file] for one in kept]
    return kept, np.array(lines, np.uint8)


def _encode_files(
    files: Sequence[Path], folder: Path, facts: ModelFacts, store: FeatureStore, tools: Tools
) -> tuple[dict[Path | None, U8], list[FailedVideo]]:
    """Extract and encode videos that are not in the store; log those that cannot be read."""
    if not files:
        return {}, []
    from ..methods.registry import load_hasher
    from ..retrieval.encode import encode_features

    _, hasher = load_hasher(folder)
    coded: dict[Path | None, U8] = {}
    failed = []
    for path, result in zip(files, tools.features(files, store.meta), strict=True):
        if isinstance(result, FailedVideo):
            failed.append(result)
            tools.log(f"{result.status.label} {printable(os.fsencode(path))}: {result.message}")
        else:
            coded[path] = encode_features(hasher, result.features[None], [os.fsencode(path)])[0]
    return coded, failed


def _answers(
    asked: Sequence[Query], bits: U8, codes: Codes, k: int, *, keep_self: bool, tools: Tools
) -> list[Found]:
    from ..reporting.search_results import Found
    from ..retrieval.index import flat_index
    from ..retrieval.search import search as find

    own = [() if keep_self else one.rows for one in asked]
    if sum(map(bool, own)) > 1:
        tools.log("videos of the store are left out of their own answers (--keep-self keeps them)")
    for one, rows in zip(asked, own, strict=True):
        if rows and sum(map(bool, own)) == 1:
            copies = f", with {counted(len(rows) - 1, 'identical file')}" if len(rows) > 1 else ""
            name = printable(one.text)
            tools.log(f"{name} is left out of its own answers{copies} (--keep-self keeps it)")
    index = flat_index(codes.packed, codes.bits, queries=len(bits))
    answers = find(index, bits, k, left_out=own)
    return [Found(*one) for one in zip(asked, own, answers, strict=True)]
