"""Stage two's verbs, one a file; each is imported when it is called."""

import typer

from chainpipe.lazy_command import ReadyGroup, add_lazily

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

GROUPS = {
    "export": (
        "Write codes and models as files that other programs read.",
        {
            "model": (
                "export_model:model",
                "Write a trained model as an ONNX file, after a comparison bit by bit on its "
                "store.",
            ),
            "codes": (
                "export:codes",
                "Write the codes as CSV, JSON lines, Parquet, SQLite or SQL, with path, id and "
                "labels.",
            ),
        },
    ),
    "index": (
        "Keep the codes in a database: PostgreSQL with pgvector, or Milvus.",
        {
            "push": (
                "index:push",
                "Push the codes into a database; videos that are there are replaced, by their "
                "content.",
            ),
            "search": (
                "index:search",
                "Find the nearest codes of a database, in the order (distance, id).",
            ),
            "remove": ("index:remove", "Delete the rows of some videos from a database."),
        },
    ),
}

app = typer.Typer(no_args_is_help=True)
for _name, (_target, _about) in VERBS.items():
    add_lazily(app, _name, f"{__name__}.{_target}", about=_about, panel=PANEL)
for _name, (_about, _verbs) in GROUPS.items():
    _group = typer.Typer(no_args_is_help=True)
    for _verb, (_target, _line) in _verbs.items():
        add_lazily(_group, _verb, f"{__name__}.{_target}", about=_line, panel="Commands")
    app.add_typer(_group, name=_name, help=_about, rich_help_panel=PANEL, cls=ReadyGroup)

__all__ = ["app"]
