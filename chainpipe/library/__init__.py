"""A library kept up to date: files, features, codes and what is new; needs both stages."""

import typer

from chainpipe.lazy_command import add_lazily

PANEL = "The library: files, features and codes together"
VERBS = {
    "update": (
        "verbs:update",
        "Bring a store and its codes up to date with the files, and say what is new.",
    ),
    "watch": (
        "verbs:watch",
        "Update a library as its files arrive, and tell of copies at once, until Ctrl-C.",
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)
