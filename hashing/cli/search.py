"""``chainpipe search``: find the nearest videos of a query."""

from __future__ import annotations

from collections.abc import Sequence
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
    from ..retrieval.answers import Found
    from ..retrieval.hamming import Rows
    from ..retrieval.rank import Ranker
    from ..retrieval.row_filter import RowFilter
    from .library_facts import LibraryFacts
    from .search_library import SearchedLibrary
    from .search_queries import AskedVideo
    from .search_words import AskedArrays

SAID = {
    HAMMING: "bits of the codes that differ",
    ASYMMETRIC: "the query's real values against the bits of the codes",
    RERANK: "the first 100 by code, ordered by frame features",
}


def search(
    context: typer.Context,
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="A video or picture file, a folder of videos, a path in the store, or at least "
            "8 digits of a video's id.",
        ),
    ],
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
            show_default=f"{RERANK} if the store is at hand, else {HAMMING}",
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

    Examples: chainpipe search holiday.mp4 · chainpipe search 3f2a9c01 -k 5 --picture sheet.png
    """
    from ..reporting.search_results import print_lines, print_tables
    from ..retrieval.backends import check_backend
    from ..retrieval.row_filter import RowFilter
    from .search_library import searched_library
    from .search_queries import asked_videos

    tools = tools_of(context)
    _check_numbers(k, within, longer, shorter)
    if distance is not None and distance not in DISTANCES:
        raise UsageError(f"no distance `{distance}`", hint=f"one of: {', '.join(DISTANCES)}")
    check_backend(backend)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    folder, facts = choose_model(model, tools.log)
    with searched_library(folder, facts, codes=codes, store=store, tools=tools) as library:
        name = _distance(distance, library)
        wanted = RowFilter(tuple(label or ()), path, longer, shorter)
        rows = _passing(wanted, library, tools)
        checks = _checks(check, name, library)
        asked, failed = asked_videos(queries, library, tools)
        tools.log(f"distance {name}: {SAID[name]}")
        found = _search(
            asked, library, name, rows, k=k, within=within, backend=backend, check=checks,
            keep_self=keep_self, tools=tools,
        )  # fmt: skip
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
    return distance == RERANK if given is None else given


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


def _search(
    asked: Sequence[AskedVideo],
    library: SearchedLibrary,
    distance: str,
    rows: Rows | None,
    *,
    k: int,
    within: float | None,
    backend: str,
    check: bool,
    keep_self: bool,
    tools: Tools,
) -> list[Found]:
    from ..retrieval.answers import Found
    from ..retrieval.rank import answers_of
    from .search_words import AnswerWords

    own = _left_out(asked, keep_self=keep_self, tools=tools)
    copies = _copies(asked, rows, keep_self=keep_self)
    facts = _facts(library, tools) if check or distance == RERANK else None
    arrays = _arrays(asked, library, distance)
    ranker = _ranker(library, distance, arrays, rows, own, copies, facts, backend, tools)
    ranked, gone = answers_of(ranker, k, copies=copies, within=within, is_gone=library.is_gone)
    if gone:
        tools.log(f"{counted(gone, 'result')} left out: the file is gone")
    count = len(library.codes) if rows is None else len(rows)
    words = AnswerWords(library, distance, videos=count, facts=facts, check=check)
    found = []
    for place, (one, line) in enumerate(zip(asked, ranked, strict=True)):
        answers = words.answers(one, arrays, place, line)
        near = any(answer.word for answer in answers) or bool(answers and within is not None)
        found.append(Found(one.query, own[place], answers, near))
    return found


def _left_out(
    asked: Sequence[AskedVideo], *, keep_self: bool, tools: Tools
) -> list[tuple[int, ...]]:
    """Return for each query the rows that are no answers: its own."""
    if keep_self:
        return [() for _ in asked]
    itself = [one.query.itself for one in asked]
    own: list[tuple[int, ...]] = [() if row is None else (row,) for row in itself]
    if sum(map(bool, own)) > 1:
        tools.log("videos of the store are left out of their own answers (--keep-self keeps them)")
    for one, rows in zip(asked, own, strict=True):
        if rows and sum(map(bool, own)) == 1:
            name = printable(one.query.text)
            tools.log(f"{name} is left out of its own answers (--keep-self keeps it)")
    return own


def _copies(
    asked: Sequence[AskedVideo], rows: Rows | None, *, keep_self: bool
) -> list[tuple[int, ...]]:
    """Return for each query the rows with its bytes that may be answers."""
    every = [tuple(sorted(one.query.rows)) if keep_self else one.query.copies for one in asked]
    if rows is None:
        return every
    passing = set(rows.tolist()) if any(every) else set()
    return [tuple(row for row in one if row in passing) for one in every]


def _facts(library: SearchedLibrary, tools: Tools) -> LibraryFacts:
    from .library_facts import library_facts

    assert library.store is not None
    return library_facts(library.store, library.folder, log=tools.log)


def _arrays(asked: Sequence[AskedVideo], library: SearchedLibrary, distance: str) -> AskedArrays:
    """Return what the distance compares.

    Raises:
        UsageError: If values of rows are needed and there is no store, or the model gives none.
    """
    from .search_queries import codes_of, query_means, values_of
    from .search_words import AskedArrays

    codes = codes_of(asked, library)
    if distance == ASYMMETRIC:
        if library.store is None and any(one.video is None for one in asked):
            hint = f"name the store with `--store`, ask by a file, or take `--distance {HAMMING}`"
            raise UsageError("the values of a row are in the store, which is not there", hint=hint)
        return AskedArrays(codes, values=values_of(asked, library))
    if distance == RERANK:
        return AskedArrays(codes, means=query_means(asked, library))
    return AskedArrays(codes)


def _ranker(
    library: SearchedLibrary,
    distance: str,
    arrays: AskedArrays,
    rows: Rows | None,
    own: Sequence[tuple[int, ...]],
    copies: Sequence[Sequence[int]],
    facts: LibraryFacts | None,
    backend: str,
    tools: Tools,
) -> Ranker:
    from ..retrieval.backends import make_index
    from ..retrieval.rank import AsymmetricRanker, HammingRanker, Reranker

    bits, packed = library.codes.bits, library.codes.packed
    searched = packed if rows is None else packed[rows]
    if distance == ASYMMETRIC:
        assert arrays.values is not None
        scale = library.codes.value_scale
        return AsymmetricRanker(searched, bits, arrays.values, scale=scale, rows=rows, left_out=own)
    index = make_index(searched, bits, queries=len(own), backend=backend, log=tools.log)
    first = HammingRanker(index, arrays.codes, rows=rows, left_out=own)
    if distance == HAMMING:
        return first
    assert arrays.means is not None
    assert facts is not None
    return Reranker(
        first, arrays.means, means_of=library.means_of, centre=facts.centre, always=copies
    )
