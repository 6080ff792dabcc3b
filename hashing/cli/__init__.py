"""Commands of stage two, one per file; heavy imports happen when a command runs."""

import typer

from . import encode, evaluate, experiment, search, train

app = typer.Typer(no_args_is_help=True)
for _verb in (train, encode, search, evaluate, experiment):
    _verb.register(app)

__all__ = ["app"]
