"""``chainpipe eval``: how good a model's codes are, under a protocol that is said in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.errors import StorageError, UsageError

from ..model_folder.folder import ModelFacts
from .context import PANEL, Tools, tools_of
from .defaults import (
    JsonOption,
    ModelOption,
    PluginOption,
    StoreOption,
    choose_model,
    open_chosen_store,
    print_json,
)

if TYPE_CHECKING:
    from ..evaluation.evaluate import Evaluation
    from ..evaluation.protocol import Protocol
    from ..evaluation.published import PublishedResult
    from ..models.hasher import Hasher
    from ..retrieval.codes import Codes

SAME = ("schema", "method", "bits", "protocol", "queries", "database")  # with and without itself


def register(app: typer.Typer) -> None:
    """Add the verb to a program."""
    app.command("eval", rich_help_panel=PANEL)(eval_)


def eval_(
    context: typer.Context,
    model: ModelOption = None,
    store: StoreOption = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", help="Another store, whose videos ask; all of --store answers."),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="auto, leave-one-out, split, fcvid, activitynet, ucf101, hmdb51 or yfcc."
        ),
    ] = "auto",
    keep_self: Annotated[
        bool, typer.Option("--keep-self", help="Leave each query in the database.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Draw mAP and precision-recall curves (PNG).")
    ] = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure mAP, precision and recall of a model's codes on a labeled store.

    The store is encoded anew each time. If videos are marked as `query` and `database`, or as
    `test`, these are used; if not, every video asks and all others are searched. A benchmark's
    name takes its own protocol, and what rivals published stands beside the scores.

    Scores on the store that the model was trained on are kept in its card.

    Examples: chainpipe eval --store feats.h5 · chainpipe eval --store data/fcv --protocol fcvid
    """
    from ..methods.registry import load_hasher

    tools = tools_of(context)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    folder, facts = choose_model(model, tools.log)
    if queries is None:
        codes, chosen = _encode_one(store, folder, facts, protocol, keep_self, tools)
    else:
        _check_two(protocol, keep_self)
        hasher = load_hasher(folder)[1]
        codes, chosen = _encode_two(queries, store, facts, hasher, tools)
    found = _evaluate(codes, facts, chosen, tools)
    _report(found, as_json=as_json)
    if queries is None and _is_own(store, facts):
        _keep(folder, facts, found[0], tools)
    if picture is not None:
        from ..reporting.metric_plots import write_scores

        write_scores(picture, found[0], peers=_published(found[0]))
        tools.log(f"wrote {picture}")


def _encode_one(
    given: Path | None,
    folder: Path,
    facts: ModelFacts,
    name: str,
    keep_self: bool,
    tools: Tools,
) -> tuple[Codes, Protocol]:
    """Encode the rows of a store that a protocol needs, after a look whether it fits."""
    from ..evaluation.choose_protocol import choose_protocol, only_needed
    from ..methods.registry import load_hasher
    from ..retrieval.encode import encode_store

    with open_chosen_store(given, facts, tools.log) as opened:
        videos, backbone = opened.videos, opened.meta.fingerprint.backbone
        whole = choose_protocol(
            videos.labels, videos.split, name=name, features=backbone, keep_self=keep_self
        )
        rows, among = only_needed(whole)
        _, hasher = load_hasher(folder)
        with tools.progress("encode", len(rows)) as advance:
            return encode_store(opened, facts, hasher, rows=rows, progress=advance), among


def _check_two(protocol: str, keep_self: bool) -> None:
    if protocol not in ("auto", "split"):
        message = f"`--protocol {protocol}` takes its queries from the store"
        raise UsageError(message, hint="leave out `--queries` or `--protocol`")
    if keep_self:
        message = "`--keep-self` means nothing where the queries are another store"
        raise UsageError(message, hint="leave it out")


def _encode_two(
    queries: Path, store: Path | None, facts: ModelFacts, hasher: Hasher, tools: Tools
) -> tuple[Codes, Protocol]:
    """Encode two stores, one to ask and one to be searched."""
    from ..evaluation.choose_protocol import choose_protocol
    from ..evaluation.two_stores import combine_stores
    from ..retrieval.encode import encode_store

    sides = []
    for path in (queries, store):
        with (
            open_chosen_store(path, facts, tools.log) as opened,
            tools.progress("encode", len(opened.videos)) as advance,
        ):
            sides.append(encode_store(opened, facts, hasher, progress=advance))
    codes = combine_stores(*sides)
    return codes, choose_protocol(codes.labels, codes.split)


def _evaluate(
    codes: Codes, facts: ModelFacts, protocol: Protocol, tools: Tools
) -> list[Evaluation]:
    """Return the scores; where a query is kept in the database, those without it as well."""
    from ..evaluation.choose_protocol import without_itself
    from ..evaluation.evaluate import evaluate

    ways = [protocol, without_itself(protocol)] if protocol.keeps_itself else [protocol]
    with tools.progress("evaluate", len(protocol.queries) * len(ways)) as advance:
        return [
            evaluate(codes, method=facts.method, protocol=way, progress=advance) for way in ways
        ]


def _is_own(store: Path | None, facts: ModelFacts) -> bool:
    """Tell whether a store is the one that the model was trained on."""
    return store is None or str(store.resolve()) == facts.store


def _keep(folder: Path, facts: ModelFacts, found: Evaluation, tools: Tools) -> None:
    """Write the scores into the model's card; a folder that cannot be written changes nothing."""
    from ..model_folder.quality import add_quality

    try:
        add_quality(folder, facts, found.to_json(), words=found.protocol.sentences())
    except StorageError as error:
        tools.warn(f"the scores are not in the model's card: {error}")
    else:
        tools.log(f"scores kept in {folder}, which its card shows")


def _published(found: Evaluation) -> list[PublishedResult]:
    from ..evaluation.published import published

    return published(found.protocol.name, bits=found.bits)


def _report(found: list[Evaluation], *, as_json: bool) -> None:
    from ..reporting.tables import print_out, published_notes, published_table, scores_table

    first, *removed = found
    peers = _published(first)
    if as_json:
        content = first.to_json()
        for other in removed:
            rest = other.to_json().items()
            content["without_itself"] = {name: value for name, value in rest if name not in SAME}
        if peers:
            content["peers"] = [peer.to_json() for peer in peers]
        print_json(content)
        return
    for evaluation in found:
        print_out(scores_table(evaluation), "")
    if peers:
        print_out(published_table(first, peers), "")
    print_out(*first.protocol.sentences(), *published_notes(peers))
