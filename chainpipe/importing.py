"""The group of verbs ``import``: features of stage one, codes of stage two."""

from __future__ import annotations

from typing import Any

import typer

import chainpipe.pipeline.cli
from chainpipe.lazy_command import ReadyGroup, add_lazily

DEFAULT = "features"
ABOUT = "Bring in features, or binary codes, that something else computed."


class ImportGroup(ReadyGroup):
    """A group in which an unknown first word, such as a file, means ``features``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``features`` before arguments that name no verb of the group."""
        first = args[0] if args else "--help"
        if first not in self.commands and first not in ctx.help_option_names:
            args = [DEFAULT, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(cls=ImportGroup, no_args_is_help=True, help=ABOUT)
add_lazily(
    app,
    DEFAULT,
    "chainpipe.pipeline.cli.import_features:import_features",
    about="Make a store of features that something else computed; "
    "so does `chainpipe import SOURCE`.",
    panel="Verbs",
)
add_lazily(
    app,
    "codes",
    "chainpipe.hashing.cli.import_codes:import_codes",
    about="Make a codes file of somebody else's binary codes, which `eval --codes` judges.",
    panel="Verbs",
)
PANEL = chainpipe.pipeline.cli.PANEL
