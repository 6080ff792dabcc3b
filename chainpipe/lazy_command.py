"""Commands whose module is imported when they are called, not when they are listed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class ReadyGroup(TyperGroup):
    """A group of commands whose options are converted only where they need it."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, see :class:`ReadyCommand`."""
        return _let_ready_values_pass(super().get_params(ctx))


class ReadyCommand(TyperCommand):
    """A command whose options are converted only where they need it."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters; values that are as they should be are not converted."""
        return _let_ready_values_pass(super().get_params(ctx))


class LazyCommand(TyperCommand):
    """A command's name and line of help; its callback returns the function when it is called."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Load the function, and return the context of its own command."""
        if self.callback is None:
            raise ValueError(f"`{self.name}` has no callback")
        app = typer.Typer(add_completion=False)
        panel = self.rich_help_panel
        app.command(self.name, cls=ReadyCommand, rich_help_panel=panel)(self.callback())
        return typer.main.get_command(app).make_context(*args, **kwargs)


class _ReadyValue:
    """In place of typer's conversion, which imports pydantic: it takes longer than numpy.

    Most values need none: defaults, options that were not given, plain text and paths. All others
    go typer's way.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value as the function wants it."""
        wanted, many = param.type_descriptor.annotation, param.multiple or param.nargs == -1
        if many and (not value or wanted in (list[str], list[str] | None)):
            return [] if value is None else list(value)
        if not many and (value is None or type(value) in (bool, int, float)):
            return value
        if isinstance(value, Path) or (type(value) is str and wanted in (str, str | None)):
            return value
        if type(value) is str and wanted in (Path, Path | None):
            return Path(value)
        if (
            type(value) is str
            and wanted in (int, int | None)
            and value.isascii()
            and value.isdecimal()
        ):
            return int(value)
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _let_ready_values_pass(params: list[Any]) -> list[Any]:
    """Spare parameters the conversion, where typer has it as it has had it since 0.27."""
    for param in params:
        known = hasattr(param, "get_runtime_param") and hasattr(param, "type_descriptor")
        if known and getattr(param, "_runtime_param", 0) is None:
            plain = param.type_descriptor
            if not (plain.is_choice or plain.is_file or plain.is_ranged or _checks_path(plain)):
                param._runtime_param = _ReadyValue()
    return params


def _checks_path(descriptor: Any) -> bool:
    """Return whether typer looks at the file that a path names."""
    names = ("exists", "writable", "resolve_path", "allow_dash", "path_type", "parser")
    return any(getattr(descriptor.parameter_info, name, None) for name in names)


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
