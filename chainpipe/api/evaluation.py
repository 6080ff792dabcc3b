"""Evaluation in Python: mAP, precision, recall and their curves from codes and labels."""

from __future__ import annotations

from dataclasses import replace

from chainpipe.hashing.evaluation.choose_protocol import AUTO, choose_protocol
from chainpipe.hashing.evaluation.evaluate import Evaluation
from chainpipe.hashing.evaluation.evaluate import evaluate as evaluate_codes
from chainpipe.hashing.evaluation.two_stores import combine_stores
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.arrays.columns import Columns, Labels

__all__ = ["Evaluation", "evaluate"]


def evaluate(
    codes: Codes,
    labels: Labels | None = None,
    protocol: str | None = None,
    *,
    queries: Codes | None = None,
    keep_self: bool = False,
    method: str = "codes",
) -> Evaluation:
    """Compute retrieval metrics of codes by the labels of their videos.

    A result is relevant if it shares at least one label with the query. ``map(K)`` divides by K.

    Args:
        codes: Codes of a labelled store, or of anything with ``labels``.
        labels: As for ``store_from_arrays``; replaces the labels of the codes.
        protocol: ``leave-one-out`` (every video is a query, all others are the database; only the
            ``test`` videos, if there are any), ``split`` (each ``query`` is searched in
            ``database``) or the name of a benchmark; the default depends on the splits.
        queries: Labelled codes of other videos as queries; all of ``codes`` are the database.
        keep_self: Whether a query stays in the database.
        method: A name for the codes in the result.

    Returns:
        The metrics: ``.map(20)``, ``.precision(5)`` ..., curves, and ``.to_json()``, the object
        that ``chainpipe eval --json`` prints.

    Raises:
        UsageError: If there are no labels, the protocol does not fit, or bits differ.

    Example:
        >>> import chainpipe
        >>> codes = chainpipe.Codes.from_bits([[0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0]])
        >>> result = chainpipe.evaluate(codes, labels=["cat", "cat", "dog", "dog"])
        >>> result.map(5), result.precision(5), result.recall(5)
        (0.2, 0.2, 1.0)
        >>> result.map_min(5)
        1.0
    """
    if labels is not None:
        columns = Columns.of(len(codes), labels=labels)
        codes = replace(codes, labels=columns.labels, label_names=columns.label_names)
    _check_labels(codes)
    if queries is not None:
        _check_two(codes, queries, protocol, keep_self)
        codes = combine_stores(queries, codes)
    backbone = codes.origin.fingerprint.backbone
    chosen = choose_protocol(
        codes.labels,
        codes.split,
        name=AUTO if protocol is None or queries is not None else protocol,
        features=backbone if queries is None else "",
        keep_self=keep_self,
    )
    return evaluate_codes(codes, method=method, protocol=chosen)


def _check_labels(codes: Codes) -> None:
    if not codes.labels.any():
        hint = "give `labels=`, one entry for each video"
        raise UsageError("the codes have no labels", hint=hint)


def _check_two(codes: Codes, queries: Codes, protocol: str | None, keep_self: bool) -> None:
    _check_labels(queries)
    if queries.bits != codes.bits:
        message = f"codes of {queries.bits} bits do not compare with codes of {codes.bits}"
        raise UsageError(message, hint="encode both with one model")
    if protocol not in (None, "split") or keep_self:
        hint = "leave out `protocol` and `keep_self`"
        raise UsageError("`queries` ask all of `codes`, by no other protocol", hint=hint)
