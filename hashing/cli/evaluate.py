"""``chainpipe eval``: retrieval metrics of one or more models under a printed protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainpipe.pipeline.errors import StorageError, UsageError
from chainpipe.pipeline.store import FeatureStore

from ..model_folder.folder import ModelFacts
from .context import Tools, tools_of
from .defaults import (
    JsonOption,
    PluginOption,
    StoreOption,
    choose_model,
    open_chosen_store,
)
from .encode import CODES
from .evaluate_codes import evaluate_codes, scores_of
from .evaluation_report import draw, report

if TYPE_CHECKING:
    from ..evaluation.distances import Distance, DistanceChoice
    from ..evaluation.evaluate import Evaluation
    from ..evaluation.protocol import Protocol
    from ..retrieval.codes import Codes
    from ..retrieval.encode import EncodedVideos
    from ..retrieval.hamming import Rows


def eval_(
    context: typer.Context,
    models: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            help="Model folder; may be repeated to compare several.",
            show_default="the newest finished one in models/",
        ),
    ] = None,
    store: StoreOption = None,
    codes: Annotated[
        list[Path] | None,
        typer.Option(
            "--codes",
            help="Codes file with labels, in place of a model, such as `import codes` writes; may "
            "be repeated.",
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            help="Another store with the query videos; all of --store is the database. With "
            "--codes, another codes file.",
        ),
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
    distance: Annotated[
        str,
        typer.Option(
            help="hamming, asymmetric (the queries' real values against stored bits) or rerank "
            "(the first answers by cosine of frame features)."
        ),
    ] = "hamming",
    rerank_depth: Annotated[
        int | None,
        typer.Option(
            "--rerank-depth",
            help="How many answers `--distance rerank` re-ranks.",
            show_default="100",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Plot mAP and precision-recall curves (PNG).")
    ] = None,
    plugin: PluginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute mAP, precision and recall of the codes of one or more models on a labelled store.

    Codes that `encode` wrote for the store are used; without them it is encoded. If videos are
    marked as `query` and `database`, or as `test`, these are used; if not, each video is a query
    and all others are the database. A benchmark's name selects its own protocol and adds published
    results to the table.

    Scores on the store that the model was trained on are kept in its card.

    Examples: chainpipe eval --store feats.h5 · chainpipe eval --model models/a --model models/b
    --picture curves.png · chainpipe eval --codes rival.npz
    """
    tools = tools_of(context)
    if picture is not None and picture.suffix.lower() != ".png":
        raise UsageError(f"cannot draw `{picture}`", hint="name a file that ends in `.png`")
    if queries is not None:
        _check_two(protocol, keep_self)
    measure = _chosen_distance(distance, rerank_depth)
    if codes:
        _check_codes_alone(models, store, measure)
        judged = evaluate_codes(codes, queries, protocol, keep_self=keep_self, tools=tools)
        report(codes, judged, as_json=as_json)
        draw(picture, codes, judged, tools)
        return
    given: Sequence[Path | None] = models or [None]
    chosen = [choose_model(one, tools.log) for one in given]
    _check_models(chosen, store)
    found = []
    for folder, facts in chosen:
        if queries is None:
            encoded = _encode_one(store, folder, facts, protocol, keep_self, measure, tools)
        else:
            encoded = _encode_two(queries, store, folder, facts, measure, tools)
        codes_of_model, among, by = encoded
        found.append(scores_of(codes_of_model, among, facts.method, tools, by))
    folders = [folder for folder, _ in chosen]
    report(folders, found, as_json=as_json)
    for (folder, facts), (first, *_) in zip(chosen, found, strict=True):
        if queries is None and _is_own(store, facts):
            _keep(folder, facts, first, tools)
    draw(picture, folders, found, tools)


def _check_codes_alone(
    models: Sequence[Path] | None, store: Path | None, measure: DistanceChoice
) -> None:
    """Refuse options that codes without their model have no use for."""
    if models or store is not None:
        hint = "leave out `--model` and `--store`, or `--codes`"
        raise UsageError("`--codes` are judged by themselves", hint=hint)
    if measure.needs_values or measure.needs_means:
        hint = "leave out `--distance`"
        raise UsageError(f"`--distance {measure.name}` needs more than codes", hint=hint)


def _chosen_distance(name: str, depth: int | None) -> DistanceChoice:
    """Check the options of the distance before any work."""
    from ..evaluation.distances import RERANK, DistanceChoice

    if depth is None:
        return DistanceChoice(name)
    if name != RERANK:
        hint = f"leave it out, or take `--distance {RERANK}`"
        raise UsageError(f"`--rerank-depth` has no effect with `--distance {name}`", hint=hint)
    return DistanceChoice(name, depth)


def _check_models(chosen: Sequence[tuple[Path, ModelFacts]], store: Path | None) -> None:
    """Refuse a model that is given twice, and models of several stores if none is named."""
    folders = [folder.resolve() for folder, _ in chosen]
    twice = [folder for folder, _ in chosen if folders.count(folder.resolve()) > 1]
    if twice:
        raise UsageError(f"the model `{twice[0]}` is given twice", hint="name each model once")
    stores = list(dict.fromkeys(facts.store for _, facts in chosen))
    if store is None and len(stores) > 1:
        message = f"the models were trained on different stores: `{stores[0]}`, `{stores[1]}`"
        raise UsageError(message, hint="name the one to evaluate on with `--store`")


def _encode_one(
    given: Path | None,
    folder: Path,
    facts: ModelFacts,
    name: str,
    keep_self: bool,
    measure: DistanceChoice,
    tools: Tools,
) -> tuple[Codes, Protocol, Distance]:
    """Choose the protocol of a store and encode the rows that it needs."""
    from ..evaluation.choose_protocol import choose_protocol, only_needed

    with open_chosen_store(given, facts, tools.log) as opened:
        videos, backbone = opened.videos, opened.meta.fingerprint.backbone
        whole = choose_protocol(
            videos.labels, videos.split, name=name, features=backbone, keep_self=keep_self
        )
        rows, among = only_needed(whole)
        encoded = _encode(
            opened,
            folder,
            facts,
            tools,
            rows=rows,
            values=measure.needs_values,
            means=measure.needs_means,
        )
    return encoded.codes, among, measure.distance(encoded.values, encoded.means)


def _encode(
    store: FeatureStore,
    folder: Path,
    facts: ModelFacts,
    tools: Tools,
    *,
    rows: Rows,
    values: bool,
    means: bool,
) -> EncodedVideos:
    """Encode rows of a store, or take saved codes of it where nothing but codes is needed."""
    import numpy as np

    from ..methods.registry import load_hasher
    from ..retrieval.encode import EncodedVideos, encode_with_values, saved_codes

    saved = None if values or means else saved_codes(folder / CODES, store, facts)
    if saved is not None:
        tools.log(f"codes {folder / CODES}")
        nothing = np.empty((0, facts.bits), np.float32)
        return EncodedVideos(saved[rows], nothing, nothing)
    _, hasher = load_hasher(folder)
    with tools.progress("encode", len(rows)) as advance:
        return encode_with_values(
            store, facts, hasher, rows=rows, values=values, means=means, progress=advance
        )


def _check_two(protocol: str, keep_self: bool) -> None:
    if protocol not in ("auto", "split"):
        message = f"`--protocol {protocol}` takes its queries from the store"
        raise UsageError(message, hint="leave out `--queries` or `--protocol`")
    if keep_self:
        message = "`--keep-self` has no effect if the queries are another store"
        raise UsageError(message, hint="leave it out")


def _encode_two(
    queries: Path,
    store: Path | None,
    folder: Path,
    facts: ModelFacts,
    measure: DistanceChoice,
    tools: Tools,
) -> tuple[Codes, Protocol, Distance]:
    """Encode a store of queries and a store that is the database."""
    import numpy as np

    from ..evaluation.choose_protocol import choose_protocol
    from ..evaluation.two_stores import combine_stores

    sides = []
    for path in (queries, store):
        with open_chosen_store(path, facts, tools.log) as opened:
            side = _encode(
                opened,
                folder,
                facts,
                tools,
                rows=np.arange(opened.shape[0]),
                values=measure.needs_values and path is queries,
                means=measure.needs_means,
            )
            sides.append(side)
    codes = combine_stores(*(side.codes for side in sides))
    means = np.concatenate([side.means for side in sides])
    return (
        codes,
        choose_protocol(codes.labels, codes.split),
        measure.distance(sides[0].values, means),
    )


def _is_own(store: Path | None, facts: ModelFacts) -> bool:
    """Return whether a store is the one that the model was trained on."""
    return store is None or str(store.resolve()) == facts.store


def _keep(folder: Path, facts: ModelFacts, found: Evaluation, tools: Tools) -> None:
    """Write the scores into the model's card; only warn if the folder cannot be written."""
    from ..model_folder.quality import add_quality

    try:
        add_quality(folder, facts, found.to_json(), words=found.sentences())
    except StorageError as error:
        tools.warn(f"the scores are not in the model's card: {error}")
    else:
        tools.log(f"scores kept in {folder}, which its card shows")
