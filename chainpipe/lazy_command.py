"""Commands whose module is imported when they are called, not when they are listed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """A command's name and line of help; its callback returns the function when it is called."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Load the function, and return the context of its own command."""
        if self.callback is None:
            raise ValueError(f"`{self.name}` has no callback")
        app = typer.Typer(add_completion=False)
        app.command(self.name, rich_help_panel=self.rich_help_panel)(self.callback())
        return typer.main.get_command(app).make_context(*args, **kwargs)


def add_lazily(app: typer.Typer, name: str, target: str, *, about: str, panel: str) -> None:
    """Add a command to an app without importing it.

    Args:
        app: The app.
        name: Of the command.
        target: ``module:function``.
        about: The first line of the function's docstring.
        panel: Where ``--help`` lists it.
    """

    def load() -> Callable[..., Any]:
        module, _, function = target.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return found

    app.command(name, cls=LazyCommand, help=about, rich_help_panel=panel)(load)
