"""``chainpipe eval``: how good a model's codes are, under a protocol that is said in words."""

from __future__ import annotations

import typer

from hashing.cli.chosen import (
    JsonOption,
    ModelOption,
    StoreOption,
    choose_model,
    open_chosen_store,
    print_json,
)
from hashing.cli.tools import PANEL, tools_of


def register(app: typer.Typer) -> None:
    """Add the verb to a program."""
    app.command("eval", rich_help_panel=PANEL)(eval_)


def eval_(
    context: typer.Context,
    model: ModelOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure mAP, precision and recall of a model's codes on a labeled store.

    The store is encoded anew each time. If videos are marked as `query` and `database`, or as
    `test`, these are used; if not, every video asks and all others are searched.

    Example: chainpipe eval --store feats.h5
    """
    from hashing.methods import load_hasher
    from hashing.retrieval.encode import encode_store
    from hashing.retrieval.evaluate import evaluate
    from hashing.retrieval.protocols import choose_protocol
    from hashing.show.tables import print_out, scores_table

    tools = tools_of(context)
    folder, facts = choose_model(model, tools.say)
    with open_chosen_store(store, facts, tools.say) as opened:
        protocol = choose_protocol(opened.videos.labels, opened.videos.split)
        _, hasher = load_hasher(folder)
        with tools.progress("encode", len(opened.videos)) as advance:
            codes = encode_store(opened, facts, hasher, progress=advance)
    with tools.progress("evaluate", len(protocol.queries)) as advance:
        found = evaluate(codes, method=facts.method, progress=advance)
    if as_json:
        print_json(found.to_json())
    else:
        print_out(scores_table(found), "", *found.protocol.sentences())
