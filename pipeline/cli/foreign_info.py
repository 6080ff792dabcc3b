"""Show what a file of another program holds, and the commands that go on with it."""

from __future__ import annotations

import typer
from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from ..console import json_text, printable
from ..importing.describe import ForeignFile


def show_foreign(found: ForeignFile, *, as_json: bool) -> None:
    """Print a description to stdout."""
    if as_json:
        typer.echo(json_text(found.facts(), indent=2))
        return
    console = RichConsole(highlight=False)
    console.print(foreign_table(found))
    if found.arrays:
        console.print(_arrays_table(found))
    for command in found.commands:
        console.print(Text(command), soft_wrap=True)


def foreign_table(found: ForeignFile) -> Table:
    """Draw what a file is."""
    table = Table(title=printable(found.path), title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("kind", found.kind)
    if found.layout:
        table.add_row("published set", found.layout)
    if found.missing:
        table.add_row("missing beside it", ", ".join(found.missing))
    if found.note:
        table.add_row("note", found.note)
    if found.commands:
        count = "command" if len(found.commands) == 1 else "commands"
        table.add_row("go on by", f"the {count} below")
    return table


def _arrays_table(found: ForeignFile) -> Table:
    table = Table("name", "shape", "type", title="holds", title_justify="left")
    for one in found.arrays:
        shape = " x ".join(map(str, one.shape))
        table.add_row(Text(printable(one.name)), shape, Text(printable(one.dtype)))
    if found.count > len(found.arrays):
        table.add_row(f"... {found.count - len(found.arrays)} more", "", "")
    return table
