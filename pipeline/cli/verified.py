"""What ``verify`` says about a file, whatever kind it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from ..console import Console, counted, json_text, printable


def tell_verified(
    path: Path, *, count: int | None, noun: str, damage: Sequence[str], hint: str, as_json: bool
) -> None:
    """Print what was found in a file; exit with 4 if it is damaged.

    Args:
        path: The file.
        count: How many videos it has; ``None`` where it cannot be opened any more.
        noun: What is counted, in the singular.
        damage: What is damaged, one line each.
        hint: What mends it.
        as_json: Whether to print one JSON object instead of lines.

    Raises:
        typer.Exit: With 4, if there is damage.
    """
    console = Console()
    if as_json:
        facts = {"schema": 1, "path": str(path), "videos": count, "damage": list(damage)}
        typer.echo(json_text(facts, indent=2))
    else:
        for line in damage:
            typer.echo(line)
    if damage:
        console.error(f"`{printable(path)}` is damaged in {counted(len(damage), 'place')}")
        console.hint(hint)
        raise typer.Exit(4)
    console.success(f"`{printable(path)}` is whole: {counted(count or 0, noun)}")
