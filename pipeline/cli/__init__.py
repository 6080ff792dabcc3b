"""Stage one's verbs: extract, info, list, verify, repair, relocate."""

import typer

from . import extract, listing, stores

PANEL = "Stage one: videos to features"

app = typer.Typer(no_args_is_help=True)
for name, verb in (
    ("extract", extract.extract),
    ("info", stores.info),
    ("list", listing.list_videos),
    ("verify", stores.verify),
    ("repair", stores.repair),
    ("relocate", stores.relocate),
):
    app.command(name, rich_help_panel=PANEL)(verb)
