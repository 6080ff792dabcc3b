"""``chainpipe export codes``: write the codes as a file that other programs read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chainpipe.pipeline.console import counted, format_size, printable
from chainpipe.pipeline.errors import UsageError

from .code_source import (
    CodesOption,
    CodeSource,
    StoreWithDurations,
    WindowsOption,
    code_source,
)
from .context import tools_of
from .defaults import JsonOption, ModelOption, print_json


def codes(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="The file; one that is there is replaced.")],
    codes_file: CodesOption = None,
    model: ModelOption = None,
    store: StoreWithDurations = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="csv, jsonl, parquet, sqlite or sql (for pgvector).",
            show_default="by the suffix of --out",
        ),
    ] = None,
    windows: WindowsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the codes as CSV, JSON lines, Parquet, SQLite or SQL, with path, id and labels.

    Examples: chainpipe export codes --out codes.parquet · chainpipe export codes --out codes.sql
    """
    from ..database.formats import format_of, write_file

    tools = tools_of(context)
    name = format_of(out, format_)
    source = code_source(codes_file, model, store, tools, windows=windows)
    _check_output(out, name, source)
    with tools.progress("export", len(source.table)) as advance:
        rows = write_file(out, source.table, name, advance=advance)
    size = out.stat().st_size
    tools.log(f"wrote {out}: {counted(rows, 'row')}, {format_size(size)}")
    if as_json:
        facts = {"schema": 1, "out": str(out), "format": name, "rows": rows}
        print_json({**facts, "bits": source.table.codes.bits, "bytes": size})
    else:
        print(out)


def _check_output(out: Path, name: str, source: CodeSource) -> None:
    """Refuse a place without a folder, and a file that is not one of this format.

    Raises:
        UsageError: If it is one.
    """
    from ..database.formats import SUFFIXES

    if not out.parent.is_dir():
        message = f"there is no folder `{printable(out.parent)}` for `{printable(out.name)}`"
        raise UsageError(message, hint="make it first, or name another place")
    real = os.path.realpath(out)
    inputs = {os.path.realpath(one) for one in (source.codes, source.store) if one is not None}
    suffix = Path(real).suffix.lower()
    other = out.exists() and suffix != "" and SUFFIXES.get(suffix) != name
    if real in inputs or os.fsencode(real) in source.videos or other:
        message = f"`{printable(out)}` is there, and is no {name} file"
        raise UsageError(message, hint="name a new file")
