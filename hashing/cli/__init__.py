"""Stage two's verbs, one a file; each is imported when it is called."""

import typer

from chainpipe.lazy_command import add_lazily

PANEL = "Stage two: features to codes and answers"
VERBS = {
    "train": ("train:train", "Train binary codes on a feature store, without labels."),
    "encode": (
        "encode:encode",
        "Turn every video into a binary code and write them all to one file.",
    ),
    "search": ("search:search", "Find the videos most similar to a query, nearest first."),
    "dedup": (
        "dedup:dedup",
        "Find the copies in a store, and say which to keep and why; nothing is deleted.",
    ),
    "find": ("find:find", "Find the places of films that clips show, with times."),
    "eval": (
        "evaluate:eval_",
        "Compute mAP, precision and recall of the codes of one or more models on a labelled store.",
    ),
    "report": (
        "report:report",
        "Write one HTML page about models: settings, losses, code health, scores, curves.",
    ),
    "experiment": (
        "experiment:experiment",
        "Compare methods or settings: train and evaluate every row with several seeds.",
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)

__all__ = ["app"]
