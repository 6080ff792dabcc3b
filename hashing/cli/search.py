"""``chainpipe search``: find the nearest videos of a query."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError

from ..retrieval.distance_names import ASYMMETRIC, DISTANCES, HAMMING, RERANK
from .context import Tools, tools_of
from .defaults import ModelOption, PluginOption, StoreOption, choose_model
from .encode import SOME_FAILED

if TYPE_CHECKING:
    from ..retrieval.hamming import Rows
    from ..retrieval.row_filter import RowFilter
    from .search_answers import SearchPlan
    from .search_library import SearchedLibrary

SAID = {
    HAMMING: "bits of the codes that differ",
    ASYMMETRIC: "the query's real values against the bits of the codes",
    RERANK: "the first 100 by code, ordered by frame features",
}


def search(
    context: typer.Context,
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY",
            help="A video or picture file, a folder of videos, a path in the store, or at least "
            "8 digits of a video's id.",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="Words to find videos by; may be repeated."),
    ] = None,
    trust_weights: Annotated[
        bool,
        typer.Option(
            "--trust-weights",
            help="With --text: read pickled weights that the store's backbone names.",
        ),
    ] = False,
    model: ModelOption = None,
    store: StoreOption = None,
    codes: Annotated[
        Path | None,
        typer.Option("--codes", help="Codes file.", show_default="codes.npz in the model folder"),
    ] = None,
    k: Annotated[int, typer.Option("--k", "-k", help="Number of results per query.")] = 10,
    distance: Annotated[
        str | None,
        typer.Option(
            "--distance",
            help=f"{', '.join(DISTANCES[:-1])} or {DISTANCES[-1]}.",
            show_default=f"{RERANK} if the store is at hand, else {HAMMING}; words: {ASYMMETRIC}",
        ),
    ] = None,
    within: Annotated[
        float | None, typer.Option("--within", help="Largest distance of a result.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="Only videos with this label; may be repeated."),
    ] = None,
    path: Annotated[
        str,
        typer.Option("--path", metavar="GLOB", help="Only paths like this, such as `2024/*`."),
    ] = "",
    longer: Annotated[
        float | None, typer.Option("--longer", help="Only videos of at least so many seconds.")
    ] = None,
    shorter: Annotated[
        float | None, typer.Option("--shorter", help="Only videos of at most so many seconds.")
    ] = None,
    backend: Annotated[
        str, typer.Option("--backend", help="auto, faiss, numpy or ivf (not exact).")
    ] = "auto",
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Compare the movement of the first 10 results with the query's: copies are "
            "told from videos that look alike.",
            show_default=f"with {RERANK}",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw a contact sheet of the results (PNG).")
    ] = None,
    keep_self: Annotated[
        bool, typer.Option("--keep-self", help="Keep a query in its own results.")
    ] = False,
    plugin: PluginOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each result, one a line.")
    ] = False,
) -> None:
    """Find the videos most similar to a query, nearest first.

    The row that was asked for is left out of its own results; other files of the same bytes are
    shown. Results are a copy, the same scenes, similar, or no nearer than chance.

    Examples: chainpipe search holiday.mp4 · chainpipe search 3f2a9c01 -k 5 --picture sheet.png ·
    chainpipe search --text "a cat on a sofa"
    """
    from ..reporting.search_results import print_lines, print_tables
    from ..retrieval.backends import check_backend
    from ..retrieval.row_filter import RowFilter
    from .search_answers import SearchPlan, find_answers
    from .search_library import searched_library
    from .search_queries import asked_videos

    tools = tools_of(context)
    _check_numbers(k, within, longer, shorter)
    _check_queries(queries, text, distance, picture, check)
    if distance is not None and distance not in DISTANCES:
        raise UsageError(f"no distance `{distance}`", hint=f"one of: {', '.join(DISTANCES)}")
    check_backend(backend)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    folder, facts = choose_model(model, tools.log)
    with searched_library(folder, facts, codes=codes, store=store, tools=tools) as library:
        name = _distance(distance, library) if not text else distance or ASYMMETRIC
        wanted = RowFilter(tuple(label or ()), path, longer, shorter)
        plan = SearchPlan(
            name, _passing(wanted, library, tools), k, within, backend,
            check=_checks(check, name, library), keep_self=keep_self,
        )  # fmt: skip
        if text:
            _search_texts(text, library, plan, tools, trust_weights=trust_weights, as_json=as_json)
            return
        asked, failed = asked_videos(queries or [], library, tools)
        tools.log(f"distance {name}: {SAID[name]}")
        found = find_answers(asked, library, plan, tools)
        if as_json:
            print_lines(found, library.codes, distance=name)
        else:
            print_tables(found, library.codes, distance=name)
        if picture is not None:
            from ..reporting.search_sheet import draw

            draw(
                picture, found, library.codes, library.path_of,
                method=facts.method, thumbnails=tools.thumbnails,
            )  # fmt: skip
            tools.log(f"wrote {picture}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _check_queries(
    queries: list[str] | None,
    texts: list[str] | None,
    distance: str | None,
    picture: Path | None,
    check: bool | None,
) -> None:
    if not queries and not texts:
        hint = 'name a video file, a path in the store or an id, or give `--text "a cat"`'
        raise UsageError("there is nothing to search for", hint=hint)
    if not texts:
        return
    if queries:
        hint = "ask twice"
        raise UsageError(f"both `--text` and `{printable(queries[0])}` are given", hint=hint)
    if distance == RERANK or check:
        option = "--check" if check else f"--distance {RERANK}"
        hint = f"`--distance {ASYMMETRIC}` or `--distance {HAMMING}`"
        raise UsageError(f"`{option}` compares videos, not words", hint=hint)
    if picture is not None:
        hint = "leave out `--picture`"
        raise UsageError("`--picture` draws the answers to videos only", hint=hint)


def _search_texts(
    texts: list[str],
    library: SearchedLibrary,
    plan: SearchPlan,
    tools: Tools,
    *,
    trust_weights: bool,
    as_json: bool,
) -> None:
    from chainpipe.pipeline.backbones.texts import build_text_side

    from ..reporting.text_results import print_text_lines, print_text_tables
    from .search_texts import find_by_text

    side = build_text_side(library.facts.fingerprint.backbone, trust_weights=trust_weights)
    found = find_by_text(texts, library, plan, tools, side=side)
    if as_json:
        print_text_lines(found, library.codes, distance=plan.distance)
    else:
        print_text_tables(found, library.codes, distance=plan.distance)


def _check_numbers(
    k: int, within: float | None, longer: float | None, shorter: float | None
) -> None:
    if k < 1:
        raise UsageError(f"`--k {k}` is impossible", hint="1 or more")
    for option, value in (("within", within), ("longer", longer), ("shorter", shorter)):
        if value is not None and not value >= 0:
            raise UsageError(f"`--{option} {value:g}` is impossible", hint="0 or more")


def _distance(given: str | None, library: SearchedLibrary) -> str:
    """Return the distance to use.

    Raises:
        UsageError: If it was asked for and needs a store that is not at hand.
    """
    if given == RERANK and library.store is None:
        hint = f"name the store with `--store`, or take `--distance {HAMMING}`"
        raise UsageError(f"`--distance {RERANK}` reads features, and there is no store", hint=hint)
    return given or (HAMMING if library.store is None else RERANK)


def _checks(given: bool | None, distance: str, library: SearchedLibrary) -> bool:
    """Return whether the second check is made.

    Raises:
        UsageError: If it was asked for and needs a store that is not at hand.
    """
    if given and library.store is None:
        hint = "name the store with `--store`"
        raise UsageError("`--check` reads features, and there is no store", hint=hint)
    if given is None and distance != RERANK:
        return False
    if given is False or library.store is None:
        return False
    from .library_facts import knows_times

    known = knows_times(library.store)
    if given and not known:
        hint = "leave out `--check`"
        raise UsageError("the store does not know when its frames are shown", hint=hint)
    return known


def _passing(wanted: RowFilter, library: SearchedLibrary, tools: Tools) -> Rows | None:
    """Return the rows that may be answers, ``None`` for all.

    Raises:
        UsageError: If there is no such label, or durations are asked for without a store.
    """
    durations = None
    if wanted.needs_durations:
        if library.store is None:
            hint = "name the store with `--store`"
            raise UsageError("`--longer` and `--shorter` need the store", hint=hint)
        durations = library.store.videos.duration
    rows = wanted.rows(library.codes, durations)
    if rows is not None:
        tools.log(f"{len(rows)} of {counted(len(library.codes), 'video')} may be results")
    return rows
