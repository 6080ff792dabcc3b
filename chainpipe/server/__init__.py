"""A library served over HTTP: its gallery with live search, and a JSON API; needs both stages."""

import typer

from chainpipe.lazy_command import add_lazily

PANEL = "The library: files, features and codes together"
VERBS = {
    "serve": (
        "verbs:serve",
        "Serve a library to browsers and programs: its gallery, search by upload, a JSON API.",
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)
