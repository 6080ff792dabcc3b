"""``chainpipe index``: codes in a database: push, search, remove."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from .code_source import CodesOption, StoreWithDurations, WindowsOption, code_source
from .context import tools_of
from .defaults import JsonOption, ModelOption, PluginOption, print_json
from .encode import SOME_FAILED

if TYPE_CHECKING:
    from ..database.protocol import CodeDatabase

Address = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="postgresql://USER@HOST/DATABASE?table=NAME, milvus://HOST:PORT/COLLECTION or "
        "milvus+file:PATH; never with a password.",
    ),
]
WHOLE_ID = re.compile(r"[0-9a-f]{64}")


def push(
    context: typer.Context,
    url: Address,
    codes: CodesOption = None,
    model: ModelOption = None,
    store: StoreWithDurations = None,
    index: Annotated[
        str | None,
        typer.Option(
            "--index",
            help="exact, ivf or hnsw (pgvector only).",
            show_default="the one that is there, at first exact",
        ),
    ] = None,
    windows: WindowsOption = False,
    recreate: Annotated[
        bool, typer.Option("--recreate", help="Drop the rows that chainpipe pushed there before.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Push the codes into a database; videos that are there are replaced, by their content.

    A push that was interrupted is run again: rows that are there as they are stay untouched.

    Example: chainpipe index push postgresql://me@localhost/videos
    """
    from ..database.collection import CollectionFacts
    from ..database.open import check_index, database_for
    from ..database.protocol import PushCount

    tools = tools_of(context)
    if index is not None:
        check_index(url, index)
    table = code_source(codes, model, store, tools, windows=windows).table
    unique = table.one_each()
    if copies := len(table) - len(unique):
        tools.log(f"{counted(copies, 'row')} of the same bytes as others: one row a content")
    with _closed(database_for(url, CollectionFacts.of(table), recreate=recreate)) as database:
        total = PushCount(0, 0, 0)
        with tools.progress("push", len(unique)) as advance:
            for rows in unique.batches():
                total = PushCount(*map(sum, zip(total, database.push(rows), strict=True)))
                advance(len(rows))
        if index is not None and index != database.facts.index:
            with tools.progress(f"index {index}", None):
                told = database.set_index(index)
            tools.log(told or f"index {index}")
        count = database.count()
        done = f"{total.new} new, {total.changed} changed, {total.same} as they were"
        tools.log(f"pushed to {database.name}: {done}; {counted(count, 'row')} there")
        if as_json:
            facts = {"schema": 1, "url": database.name, **total._asdict(), "rows": count}
            print_json({**facts, "index": database.facts.index})


def search(
    context: typer.Context,
    url: Address,
    queries: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY",
            help="A video or picture file, a folder of videos, or at least 8 digits of an id.",
        ),
    ],
    model: ModelOption = None,
    k: Annotated[int, typer.Option("--k", "-k", help="Number of results per query.")] = 10,
    keep_self: Annotated[
        bool, typer.Option("--keep-self", help="Keep a query in its own results.")
    ] = False,
    plugin: PluginOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each result, one a line.")
    ] = False,
) -> None:
    """Find the nearest codes of a database, in the order (distance, id).

    Example: chainpipe index search milvus://localhost/clips holiday.mp4 -k 5
    """
    from ..database.open import open_database
    from ..reporting.database_answers import print_answer_lines, print_answer_tables
    from .index_queries import asked_codes, nearest_others

    tools = tools_of(context)
    if k < 1:
        raise UsageError(f"`--k {k}` is impossible", hint="1 or more")
    with _closed(open_database(url)) as database:
        asked, failed = asked_codes(queries, database, model, tools)
        found = nearest_others(database, asked, k, keep_self=keep_self)
        show = print_answer_lines if as_json else print_answer_tables
        show([one.text for one in asked], found)
    if failed:
        raise typer.Exit(SOME_FAILED)


def remove(
    context: typer.Context,
    url: Address,
    ids: Annotated[
        list[str], typer.Argument(metavar="ID", help="SHA-256 of a video, 64 hexadecimal digits.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Delete the rows of some videos from a database.

    Example: chainpipe index remove postgresql://me@localhost/videos 3f2a...
    """
    from ..database.open import open_database

    tools = tools_of(context)
    for one in ids:
        if not WHOLE_ID.fullmatch(one):
            hint = "64 hexadecimal digits, as `index search --json` prints them"
            raise UsageError(f"`{one}` is no id", hint=hint)
    with _closed(open_database(url)) as database:
        removed, left = database.remove(list(dict.fromkeys(ids))), database.count()
        tools.log(f"removed {counted(removed, 'row')} from {database.name}; {left} there")
        if as_json:
            print_json({"schema": 1, "url": database.name, "removed": removed, "rows": left})


@contextmanager
def _closed(database: CodeDatabase) -> Iterator[CodeDatabase]:
    try:
        yield database
    finally:
        database.close()
