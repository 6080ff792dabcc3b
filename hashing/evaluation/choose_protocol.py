"""Choose the protocol of a store: by its splits, or by the name of a published benchmark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split

from ..retrieval.bitpack import U8
from ..retrieval.hamming import Rows
from .benchmarks import BENCHMARKS, FEATURES
from .protocol import ALL, ALL_AGAINST_ALL, LEAVE_ONE_OUT, SEPARATE, Protocol

AUTO, SPLIT = "auto", "split"
NAMES = (AUTO, LEAVE_ONE_OUT, SPLIT, *BENCHMARKS)
HINT_LABELS = (
    "`chainpipe extract VIDEOS --out STORE --labels folders` takes folder names as labels, "
    "`--labels FILE` a list; videos already in the store are not read again"
)
HINT_SPLITS = "mark videos as `test`, or as `query` and `database`, in the labels file"
Splits = npt.NDArray[np.uint8]


def choose_protocol(
    labels: U8, split: Splits, *, name: str = AUTO, features: str = "", keep_self: bool = False
) -> Protocol:
    """Choose the rows of queries and database.

    ``auto`` takes a published benchmark's own protocol for its published feature files. Else
    ``query`` and ``database`` win over ``test``; without any split all videos are used.

    Args:
        labels: Multi-hot labels, (B, L) uint8.
        split: ``Split`` numbers, (B,).
        name: One of :data:`NAMES`.
        features: The backbone that the store's features are of.
        keep_self: Leave each query in the database.

    Returns:
        The protocol.

    Raises:
        UsageError: If there is no such protocol, it does not fit the splits, no query or nothing
            searched has a label, there is nothing to search, or ``keep_self`` changes nothing.

    Example:
        >>> three = np.array([Split.TRAIN, Split.TEST, Split.TEST], np.uint8)
        >>> choose_protocol(np.ones((3, 1), np.uint8), three).queries
        array([1, 2])
    """
    if name not in NAMES:
        raise UsageError(f"no protocol `{name}`", hint=f"one of: {', '.join(NAMES)}")
    if name == AUTO:
        name = FEATURES.get(features) or _by_splits(split)
    found = _named(name, labels, split)
    if not keep_self or found.keeps_itself:
        return found
    if found.asking != found.searched:
        message = f"no `{found.asking}` video is among the `{found.searched}` videos anyway"
        raise UsageError(message, hint="leave out `--keep-self`")
    return replace(found, name=ALL_AGAINST_ALL, keeps_itself=True)


def without_itself(protocol: Protocol) -> Protocol:
    """Return the protocol with each query removed from its own database."""
    return replace(protocol, keeps_itself=False)


def only_needed(protocol: Protocol) -> tuple[Rows, Protocol]:
    """Return the rows of queries and database, and the protocol re-indexed to these rows.

    >>> rows = np.array([5]), np.array([2, 9])
    >>> needed, among = only_needed(Protocol("split", "query", "database", *rows, 0))
    >>> needed, among.queries, among.database
    (array([2, 5, 9]), array([1]), array([0, 2]))
    """
    needed = np.union1d(protocol.queries, protocol.database)
    queries, database = (
        np.searchsorted(needed, rows) for rows in (protocol.queries, protocol.database)
    )
    return needed, replace(protocol, queries=queries, database=database)


def _by_splits(split: Splits) -> str:
    present = {Split(number) for number in np.unique(split)}
    return SPLIT if {Split.QUERY, Split.DATABASE} <= present else LEAVE_ONE_OUT


def _named(name: str, labels: U8, split: Splits) -> Protocol:
    if name == LEAVE_ONE_OUT:
        part = _left_out_part(split)
        return _protocol(labels, split, name, part, part)
    if name == SPLIT:
        return _protocol(labels, split, SEPARATE, Split.QUERY, Split.DATABASE)
    standard = BENCHMARKS[name]
    found = _protocol(labels, split, name, standard.asking, standard.searched)
    return replace(found, keeps_itself=standard.keeps_itself)


def _left_out_part(split: Splits) -> Split | None:
    """Return the split that leave-one-out is over, ``None`` for all videos."""
    present = {Split(number) for number in np.unique(split)}
    for part in (Split.TEST, Split.VAL):
        if part in present:
            return part
    if present <= {Split.NONE}:
        return None
    names = ", ".join(f"`{one.name.lower()}`" for one in sorted(present - {Split.NONE}))
    raise UsageError(f"the splits ({names}) name no videos to evaluate on", hint=HINT_SPLITS)


def _protocol(
    labels: U8, split: Splits, name: str, asking: Split | None, searched: Split | None
) -> Protocol:
    candidates, database = _rows(split, asking), _rows(split, searched)
    for part, rows in ((asking, candidates), (searched, database)):
        if len(rows) == 0 and part is not None:
            _refuse_empty(name, asking, searched, part)
    queries = candidates[labels[candidates].any(axis=1)]
    if len(queries) == 0:
        raise UsageError("no video that could ask has a label", hint=HINT_LABELS)
    if not labels[database].any():
        raise UsageError(f"no `{_name(searched)}` video has a label", hint=HINT_LABELS)
    if len(database) < 2 and asking == searched:
        raise UsageError(
            f"fewer than 2 videos to evaluate on (`{_name(searched)}`)", hint=HINT_SPLITS
        )
    unlabeled = len(candidates) - len(queries)
    return Protocol(name, _name(asking), _name(searched), queries, database, unlabeled)


def _refuse_empty(name: str, asking: Split | None, searched: Split | None, part: Split) -> None:
    who = f"`{_name(asking)}` videos ask and `{_name(searched)}` videos are searched"
    raise UsageError(
        f"the protocol does not fit: in `{name}` {who}, and no video is `{_name(part)}`",
        hint="mark the videos so in the labels file, or take `--protocol auto`",
    )


def _rows(split: Splits, wanted: Split | None) -> Rows:
    return np.flatnonzero(np.ones(len(split), bool) if wanted is None else split == wanted)


def _name(wanted: Split | None) -> str:
    return ALL if wanted is None else wanted.name.lower()
