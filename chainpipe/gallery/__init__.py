"""The gallery: a folder of pages that shows a library and opens from disk; needs both stages."""

import typer

from chainpipe.lazy_command import add_lazily

PANEL = "The library: files, features and codes together"
VERBS = {
    "gallery": (
        "verbs:gallery",
        "Make a folder of pages to look at a library, its neighbours and its duplicates.",
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)
