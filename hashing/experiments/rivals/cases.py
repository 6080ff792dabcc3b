"""Cases of the rivals' table: own videos, new content, and copies; what is trained on and asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.base import FeatureStore

from ...data.training_set import training_rows
from ...evaluation.choose_protocol import choose_protocol
from ...evaluation.copies import Bools, CopiesProtocol, copies_protocol
from ...evaluation.copies_truth import read_copies_truth
from ...evaluation.protocol import Protocol
from ...retrieval.hamming import Rows

OWN, NEW_LISTED, NEW_REST = "own", "new-listed", "new-rest"
COPIES, WITHOUT_COPIES = "copies", "without-copies"
TITLES = {
    OWN: "own videos",
    NEW_REST: "new content, trained on the listed classes",
    NEW_LISTED: "new content, trained on the other classes",
    COPIES: "copies, trained on all videos",
    WITHOUT_COPIES: "copies, trained without the copies",
}
LEAST_TRAINED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a row is trained on and asked.

    Attributes:
        name: A key of ``TITLES``.
        store: The store.
        listed: New content: class names of one half.
        truth: Copies: the file ``truth.csv``.
    """

    name: str
    store: Path
    listed: tuple[str, ...] = ()
    truth: Path | None = None

    @property
    def title(self) -> str:
        """The case in words."""
        return TITLES[self.name]


@dataclass(frozen=True, slots=True, repr=False)
class CaseRows:
    """Rows of a case in its store.

    Attributes:
        training: Rows to train on, (N,).
        protocol: Queries and database, by labels or of copies.
    """

    training: Rows
    protocol: Protocol | CopiesProtocol


def case_rows(case: Case, store: FeatureStore) -> CaseRows:
    """Choose the rows of a case.

    Raises:
        UsageError: If there are too few videos to train on, or nothing to ask.
        NotFoundError: If the truth of the copies cannot be read.
    """
    videos = store.videos
    if case.truth is not None:
        found = copies_protocol(read_copies_truth(case.truth), videos.paths)
        rows = np.arange(len(videos)) if case.name == COPIES else found.database
        return CaseRows(_unique(store, rows), found)
    training = training_rows(store).rows
    backbone = store.meta.fingerprint.backbone
    protocol = choose_protocol(videos.labels, videos.split, features=backbone)
    if case.name == OWN:
        return CaseRows(training, protocol)
    first, second = halves_by_class(videos.labels, videos.label_names, case.listed)
    seen, asked = (first, second) if case.name == NEW_REST else (second, first)
    return CaseRows(_enough(training[seen[training]], case), _only(protocol, asked, case))


def halves_by_class(
    labels: npt.NDArray[np.uint8], names: Sequence[str], listed: Sequence[str]
) -> tuple[Bools, Bools]:
    """Tell which videos have labels of the listed classes only, and which of others only, (B,).

    A video with labels of both halves, or without labels, is in neither.

    Args:
        labels: Multi-hot labels, (B, L).
        names: Names of the classes, L of them.
        listed: Names of one half.
    """
    inside = np.isin(names, listed)
    mine: Bools = np.asarray(labels[:, inside].any(axis=1))
    others: Bools = np.asarray(labels[:, ~inside].any(axis=1))
    return mine & ~others, others & ~mine


def _unique(store: FeatureStore, rows: Rows) -> Rows:
    """Return rows without those of equal bytes."""
    _, first = np.unique(store.videos.ids[rows], axis=0, return_index=True)
    return rows[np.sort(first)]


def _enough(rows: Rows, case: Case) -> Rows:
    if len(rows) < LEAST_TRAINED:
        hint = "list classes that training videos of the store have"
        raise UsageError(f"{case.title}: {len(rows)} videos to train on", hint=hint)
    return rows


def _only(protocol: Protocol, asked: Bools, case: Case) -> Protocol:
    queries = protocol.queries[asked[protocol.queries]]
    database = protocol.database[asked[protocol.database]]
    if not len(queries) or len(database) < 2:
        hint = "both halves of the classes need videos to ask and to search"
        raise UsageError(f"{case.title}: nothing to ask", hint=hint)
    return replace(protocol, queries=queries, database=database)
