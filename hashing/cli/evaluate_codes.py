"""``chainpipe eval --codes``: metrics of codes files alone, whoever made the codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.pipeline.errors import UsageError

from .context import Tools

if TYPE_CHECKING:
    from ..evaluation.distances import Distance
    from ..evaluation.evaluate import Evaluation
    from ..evaluation.protocol import Protocol
    from ..retrieval.codes import Codes


def evaluate_codes(
    paths: Sequence[Path], queries: Path | None, protocol: str, *, keep_self: bool, tools: Tools
) -> list[list[Evaluation]]:
    """Return the scores of each codes file, as ``eval`` has those of a model.

    Args:
        paths: Codes files.
        queries: A codes file whose videos ask; all of ``paths`` are the database then.
        protocol: Its name.
        keep_self: Leave each query in the database.
        tools: The console.

    Raises:
        NotFoundError: If a file is missing or no codes file.
        DamageError: If it is damaged.
        UsageError: If codes have no labels, the protocol does not fit, or one file comes twice.
    """
    from ..retrieval.codes import read_codes

    places = [path.resolve() for path in paths]
    if twice := [path for path in paths if places.count(path.resolve()) > 1]:
        raise UsageError(f"the codes `{twice[0]}` are given twice", hint="name each file once")
    asking = None if queries is None else read_codes(queries)
    found = []
    for path in paths:
        codes = read_codes(path)
        if not codes.labels.any():
            hint = "`chainpipe import codes FILE --labels LABELS` or `encode` of a labelled store"
            raise UsageError(f"the codes `{path}` have no labels", hint=hint)
        if asking is not None:
            codes = _with_queries(asking, codes, path)
        found.append(scores_of(codes, _protocol(codes, protocol, keep_self), path.stem, tools))
    return found


def _with_queries(queries: Codes, codes: Codes, path: Path) -> Codes:
    from ..evaluation.two_stores import combine_stores

    if queries.bits != codes.bits:
        message = f"the queries have {queries.bits} bits, `{path}` has {codes.bits}"
        raise UsageError(message, hint="take both of one model")
    return combine_stores(queries, codes)


def _protocol(codes: Codes, name: str, keep_self: bool) -> Protocol:
    from ..evaluation.choose_protocol import choose_protocol

    backbone = codes.origin.fingerprint.backbone
    return choose_protocol(
        codes.labels, codes.split, name=name, features=backbone, keep_self=keep_self
    )


def scores_of(
    codes: Codes, protocol: Protocol, method: str, tools: Tools, distance: Distance | None = None
) -> list[Evaluation]:
    """Return the scores; if queries stay in the database, also those with each query removed.

    Args:
        codes: Codes of labelled videos.
        protocol: Queries and database.
        method: Name of what made them.
        tools: The console.
        distance: What orders the database; Hamming distance by default.
    """
    from ..evaluation.choose_protocol import without_itself
    from ..evaluation.evaluate import HAMMING_DISTANCE, evaluate

    ways = [protocol, without_itself(protocol)] if protocol.keeps_itself else [protocol]
    by = distance or HAMMING_DISTANCE
    with tools.progress("evaluate", len(protocol.queries) * len(ways)) as advance:
        return [
            evaluate(codes, method=method, protocol=way, distance=by, progress=advance)
            for way in ways
        ]
