"""The sets of the goal table: which videos train, which ask, which are searched, what is right.

A set is one training and one or more questions about its codes. Few videos ask here (1000 at
most), so what is right and what is left out are plain tables of queries against the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.evaluation.copies import copies_protocol
from chainpipe.hashing.evaluation.copies_truth import read_copies_truth
from chainpipe.pipeline.records import Split, VideoTable
from chainpipe.pipeline.store.base import FeatureStore

Rows = npt.NDArray[np.int64]
Table = npt.NDArray[np.bool_]
FEW = 10  # training videos of each class in `few`
COPIES = 5  # made sets of copies; the training seed chooses one
SHARED = "shared"  # all clips of the three others, labelled by kind of source
CAMERA = ("gifs", "fight", "tank", SHARED)


@dataclass(frozen=True)
class Question:
    """Q queries against N videos of a store.

    Attributes:
        name: Unique within its set.
        queries: Rows of the store, (Q,).
        database: Rows of the store, (N,).
        right: Which answers are right, (Q, N).
        out: Which answers are left out: the query itself, pairs that are neither right nor wrong,
            (Q, N).
        groups: A name for each query by which figures are given apart, such as its edit, (Q,).
    """

    name: str
    queries: Rows
    database: Rows
    right: Table
    out: Table
    groups: tuple[str, ...]


@dataclass(frozen=True)
class RealSet:
    """One training and its questions.

    Attributes:
        training: Rows of the store that train, (n,).
        questions: What is asked of the codes.
    """

    training: Rows
    questions: tuple[Question, ...]


def store_of(name: str, folder: Path, seed: int) -> Path:
    """Return the store of a set: made sets of copies take turns with the training seed.

    >>> store_of("few", Path("d"), 0).as_posix(), store_of("copies", Path("d"), 1).as_posix()
    ('d/main.h5', 'd/copies2.h5')
    """
    if name.startswith("copies"):
        return folder / f"copies{seed % COPIES + 1}.h5"
    return folder / f"{name if name in CAMERA else 'main'}.h5"


def read_set(name: str, store: FeatureStore, *, listed: Sequence[str]) -> RealSet:
    """Return a set by its name.

    Args:
        name: One of :data:`SETS`.
        store: The store of :func:`store_of`; for copies, the folder of the same name without its
            suffix holds ``videos.csv`` and ``truth.csv``.
        listed: Names of the classes that defaults may be chosen on.
    """
    return SETS[name](store, listed)


def among(name: str, videos: VideoTable, rows: Rows) -> Question:
    """Return leave-one-out among some rows: right is what shares a label."""
    labels = videos.labels[rows].astype(np.int64)
    right = labels @ labels.T > 0
    groups = tuple("+".join(videos.names_of(int(row))) for row in rows)
    return Question(name, rows, rows, right, np.eye(len(rows), dtype=bool), groups)


def _of_classes(videos: VideoTable, listed: Sequence[str]) -> Table:
    """Return which videos have one of the listed classes, (N,)."""
    found: Table = videos.labels[:, np.isin(videos.label_names, listed)].any(axis=1)
    return found


def _main(store: FeatureStore, listed: Sequence[str]) -> RealSet:
    videos = store.videos
    return RealSet(np.flatnonzero(videos.split == Split.TRAIN), _main_questions(videos, listed))


def _main_questions(videos: VideoTable, listed: Sequence[str]) -> tuple[Question, ...]:
    test, inside = videos.split == Split.TEST, _of_classes(videos, listed)
    return (
        among("all", videos, np.flatnonzero(test)),
        among("listed", videos, np.flatnonzero(test & inside)),
        among("rest", videos, np.flatnonzero(test & ~inside)),
    )


def _few(store: FeatureStore, listed: Sequence[str]) -> RealSet:
    """Train on the first training videos of each class only."""
    videos = store.videos
    train = videos.split == Split.TRAIN
    firsts = [np.flatnonzero(train & (column > 0))[:FEW] for column in videos.labels.T]
    return RealSet(np.unique(np.concatenate(firsts)), _main_questions(videos, listed))


def _new(known: Callable[[Table], Table]) -> Callable[[FeatureStore, Sequence[str]], RealSet]:
    """Return a set that trains on half of the classes and asks with both halves' test videos."""

    def read(store: FeatureStore, listed: Sequence[str]) -> RealSet:
        videos = store.videos
        test, mine = videos.split == Split.TEST, known(_of_classes(videos, listed))
        questions = (
            among("new", videos, np.flatnonzero(test & ~mine)),
            among("own", videos, np.flatnonzero(test & mine)),
        )
        return RealSet(np.flatnonzero((videos.split == Split.TRAIN) & mine), questions)

    return read


def _camera(store: FeatureStore, listed: Sequence[str]) -> RealSet:
    """Train on all and ask leave-one-out over all."""
    rows = np.arange(len(store.videos))
    return RealSet(rows, (among("all", store.videos, rows),))


def _copies(*, with_copies: bool) -> Callable[[FeatureStore, Sequence[str]], RealSet]:
    """Return a set of edited copies; without them, what is searched trains."""

    def read(store: FeatureStore, listed: Sequence[str]) -> RealSet:
        truth = read_copies_truth(store.path.with_suffix("") / "truth.csv")
        found = copies_protocol(truth, store.videos.paths)
        training = np.arange(len(store.videos)) if with_copies else found.database
        asked = (found.queries, found.database, found.right, found.ignored, found.edits)
        return RealSet(training, (Question("copies", *asked),))

    return read


SETS: dict[str, Callable[[FeatureStore, Sequence[str]], RealSet]] = {
    "main": _main,
    "few": _few,
    "new-rest": _new(lambda listed: listed),  # trained on the listed classes, asked with the rest
    "new-listed": _new(lambda listed: ~listed),
    "copies": _copies(with_copies=True),
    "copies-without": _copies(with_copies=False),
    **dict.fromkeys(CAMERA, _camera),
}
