"""Stage one's verbs: extract, info, verify, repair."""

import typer

from . import extract, stores

PANEL = "Stage one: videos to features"

app = typer.Typer(no_args_is_help=True)
for verb in (extract.extract, stores.info, stores.verify, stores.repair):
    app.command(rich_help_panel=PANEL)(verb)
