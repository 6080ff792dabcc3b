"""How a verb ends that a signal stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..console import Talk
from ..extraction.signals import Interrupted


@contextmanager
def stopping(talk: Talk, *, hint: str) -> Iterator[None]:
    """End a verb that a signal stopped with its exit code, in two lines.

    Raises:
        typer.Exit: In place of :class:`Interrupted`.
    """
    try:
        yield
    except Interrupted as interrupted:
        talk.error(str(interrupted))
        talk.hint(hint)
        raise typer.Exit(interrupted.exit_code) from None
