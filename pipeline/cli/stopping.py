"""End a verb that a signal stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..console import Console
from ..extraction.signals import Interrupted


@contextmanager
def exit_on_signal(console: Console, *, hint: str) -> Iterator[None]:
    """End a verb that a signal stopped with its exit code, in two lines.

    Raises:
        typer.Exit: In place of :class:`Interrupted`.
    """
    try:
        yield
    except Interrupted as interrupted:
        console.error(str(interrupted))
        console.hint(hint)
        raise typer.Exit(interrupted.exit_code) from None
