"""Evaluation in Python: mAP, precision, recall and their curves from codes and labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.evaluation.choose_protocol import AUTO, choose_protocol
from chainpipe.hashing.evaluation.distances import HAMMING, Distance, DistanceChoice
from chainpipe.hashing.evaluation.evaluate import Evaluation
from chainpipe.hashing.evaluation.evaluate import evaluate as evaluate_codes
from chainpipe.hashing.evaluation.two_stores import combine_stores
from chainpipe.hashing.models.linear_hash import video_means
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.hashing.retrieval.encode import finite_features
from chainpipe.hashing.retrieval.rerank import DEPTH
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.arrays.columns import Columns, Labels
from chainpipe.pipeline.store.arrays.sources import Features

from .store import Store, reading

__all__ = ["Evaluation", "evaluate"]

ROUNDED = 0.01  # of the bits may differ: values near 0, encoded in blocks of another size


def evaluate(
    codes: Codes,
    labels: Labels | None = None,
    protocol: str | None = None,
    *,
    queries: Codes | None = None,
    keep_self: bool = False,
    method: str = "codes",
    distance: str = HAMMING,
    rerank_depth: int = DEPTH,
    values: npt.ArrayLike | None = None,
    features: Store | Features | None = None,
    query_features: Store | Features | None = None,
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
        distance: ``hamming``; ``asymmetric``, the queries' real values against stored bits; or
            ``rerank``, the first answers by Hamming distance ordered by cosine of mean features.
        rerank_depth: How many answers ``rerank`` orders.
        values: For ``asymmetric``: :meth:`Model.values` of the videos of ``codes``, or of
            ``queries`` if those are given, (N, K).
        features: For ``rerank``: features of the videos of ``codes``, a store or an array.
        query_features: For ``rerank`` with ``queries``: features of their videos.

    Returns:
        The metrics: ``.map(20)``, ``.precision(5)`` ..., curves, and ``.to_json()``, the object
        that ``chainpipe eval --json`` prints.

    Raises:
        UsageError: If there are no labels, the protocol does not fit, bits differ, or values or
            features are missing, superfluous or of another size.

    Example:
        >>> import chainpipe
        >>> codes = chainpipe.Codes.from_bits([[0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0]])
        >>> result = chainpipe.evaluate(codes, labels=["cat", "cat", "dog", "dog"])
        >>> result.map(5), result.precision(5), result.recall(5)
        (0.2, 0.2, 1.0)
        >>> result.map_min(5)
        1.0
        >>> values = [[-1, -2, -1], [-1, -2, 3], [1, 2, 1], [1, 2, -1]]
        >>> found = chainpipe.evaluate(
        ...     codes, ["cat", "cat", "dog", "dog"], distance="asymmetric", values=values
        ... )
        >>> found.distance.name, found.map_min(5)
        ('asymmetric', 1.0)
    """
    choice = DistanceChoice(distance, rerank_depth)
    if labels is not None:
        columns = Columns.of(len(codes), labels=labels)
        codes = replace(codes, labels=columns.labels, label_names=columns.label_names)
    _check_labels(codes)
    if queries is not None:
        _check_two(codes, queries, protocol, keep_self)
    measure = _with_inputs(choice, codes, queries, values, features, query_features)
    if queries is not None:
        codes = combine_stores(queries, codes)
    backbone = codes.origin.fingerprint.backbone
    chosen = choose_protocol(
        codes.labels,
        codes.split,
        name=AUTO if protocol is None or queries is not None else protocol,
        features=backbone if queries is None else "",
        keep_self=keep_self,
    )
    return evaluate_codes(codes, method=method, protocol=chosen, distance=measure)


def _with_inputs(
    choice: DistanceChoice,
    codes: Codes,
    queries: Codes | None,
    values: npt.ArrayLike | None,
    features: Store | Features | None,
    query_features: Store | Features | None,
) -> Distance:
    """Return the distance with the values or mean features that it needs."""
    needed = {
        "values": (values, choice.needs_values),
        "features": (features, choice.needs_means),
        "query_features": (query_features, choice.needs_means and queries is not None),
    }
    for name, (given, needs) in needed.items():
        if needs != (given is not None):
            hint = f"give `{name}=`" if needs else f"leave out `{name}`"
            words = "needs" if needs else "takes no"
            raise UsageError(f"the distance `{choice.name}` {words} `{name}`", hint=hint)
    asking = codes if queries is None else queries
    real = None if values is None else _checked_values(values, asking)
    if features is None:
        return choice.distance(real)
    means = [] if query_features is None else [_means(query_features, asking, "query_features")]
    return choice.distance(means=np.concatenate([*means, _means(features, codes, "features")]))


def _checked_values(values: npt.ArrayLike, asking: Codes) -> npt.NDArray[np.float32]:
    """Return values of the videos of some codes, whose signs must be their bits."""
    real = np.asarray(values, np.float32)
    hint = "compute them by `model.values` from the features that were encoded"
    if real.shape != (len(asking), asking.bits) or not np.isfinite(real).all():
        shape = f"({len(asking)}, {asking.bits})"
        raise UsageError(f"`values` must be {shape} finite numbers, not {real.shape}", hint=hint)
    if np.mean((real >= 0) != asking.numpy()) > ROUNDED:
        raise UsageError("`values` are not of these codes: their signs differ", hint=hint)
    return real


def _means(features: Store | Features, codes: Codes, name: str) -> npt.NDArray[np.float32]:
    """Return the mean feature of each video, (B, D)."""
    with reading(features) as store:
        if len(store.videos) != len(codes):
            message = f"`{name}` are of {len(store.videos)} videos, the codes of {len(codes)}"
            raise UsageError(message, hint="give the features that were encoded")
        blocks = finite_features(store, np.arange(len(codes)))
        return np.concatenate([video_means(block) for _, block in blocks])


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
