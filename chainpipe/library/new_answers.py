"""What new videos of a library are to the others: the second check on their nearest ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.duplicates.decisions import Decision, Decisions
from chainpipe.hashing.matching.candidates import pairs_by_codes, pairs_by_vectors
from chainpipe.hashing.matching.information import STILL, blank_reason, movement
from chainpipe.hashing.matching.records import Relation, Verdict
from chainpipe.hashing.matching.second_check import SecondCheck
from chainpipe.hashing.matching.space import FrameSpace, unit
from chainpipe.hashing.retrieval.bitpack import U8
from chainpipe.pipeline.store.base import FeatureStore

NEAREST = 20  # videos that each new one is compared with
MOST = 50  # the same, where many are near
RADIUS = 0.25  # of the bits: nearer ones are compared, too
ACCEPTED = "called copies by `dedup --accept`"
SHOWN = 5  # answers of a new video
_BLOCK = 256  # rows that are read at a time
_ORDER = (Relation.COPY, Relation.PART_OF, Relation.SAME_SCENES, Relation.SIMILAR)

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LibraryAnswer:
    """What a video of the library is to a new one.

    Attributes:
        path: Of the video, as the store has it.
        relation: Copy, part of, same scenes or similar.
        exact: Whether the files have the same bytes.
        distance: Bits in which the codes differ; ``None`` without codes.
        reason: What decided, one line.
    """

    path: bytes
    relation: Relation
    exact: bool
    distance: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A new video and the library's videos that it is related to.

    Attributes:
        path: As the store has it.
        answers: The surest first; none where nothing is near.
        blank: Why it carries no information and was compared by its bytes only; empty otherwise.
    """

    path: bytes
    answers: tuple[LibraryAnswer, ...]
    blank: str = ""


def answers_of_new(
    store: FeatureStore,
    rows: Sequence[int],
    present: npt.NDArray[np.bool_],
    *,
    packed: U8 | None = None,
    bits: int = 0,
    decisions: Decisions | None = None,
    advance: Callable[[int], None] = lambda videos: None,
) -> list[NewVideo]:
    """Compare new videos with all whose files are there.

    Candidates are the nearest by codes; without codes by the mean of their frames.

    Args:
        store: The library.
        rows: Of the new videos.
        present: Which rows' files are there, (N,).
        packed: Packed codes of all rows, (N, ceil(bits / 8)).
        bits: K.
        decisions: Of people: what they called no copies is no answer, what they called copies is.
        advance: Called with the number of new videos done since the last call.

    Raises:
        DamageError: If a row's bytes are altered.
    """
    new = np.asarray(rows, np.int64)
    if not len(new):
        return []
    decided = decisions or Decisions()
    check = SecondCheck.fit(store)
    pairs = _candidates(store, new, present, check.space, packed, bits)
    blank = _blank(store, np.unique(np.concatenate([new, pairs.ravel()])), check.space)
    ids = store.videos.ids
    exact = (ids[pairs[:, 0]] == ids[pairs[:, 1]]).all(axis=1)
    names = [row.hex() for row in map(bytes, ids)]
    informed = [not (blank[int(i)] or blank[int(j)]) for i, j in pairs]
    compared = pairs[~exact & np.array(informed, bool)]
    verdicts: dict[int, list[tuple[int, Verdict]]] = defaultdict(list)
    for i, j, verdict in check.compare_rows(store, compared):
        decision = decided.of(names[i], names[j])
        if decision is Decision.ACCEPT:
            verdicts[i].append((j, replace(verdict, relation=Relation.COPY, reason=ACCEPTED)))
        elif decision is not Decision.IGNORE:
            verdicts[i].append((j, verdict))
    found = []
    for row in new.tolist():
        answers = [
            LibraryAnswer(store.videos.paths[j], Relation.COPY, True, 0, "the same bytes")
            for j in _copies(ids, row, present)
        ]
        answers += [
            LibraryAnswer(
                store.videos.paths[j],
                verdict.relation,
                False,
                _bits_apart(packed, row, j),
                verdict.reason,
            )
            for j, verdict in verdicts[row]
            if verdict.relation is not Relation.NOTHING
        ]
        answers.sort(key=_sureness)
        found.append(NewVideo(store.videos.paths[row], tuple(answers[:SHOWN]), blank[row]))
        advance(1)
    return found


def _sureness(answer: LibraryAnswer) -> tuple[int, bool, int, bytes]:
    return _ORDER.index(answer.relation), not answer.exact, answer.distance or 0, answer.path


def _candidates(
    store: FeatureStore,
    new: Rows,
    present: npt.NDArray[np.bool_],
    space: FrameSpace,
    packed: U8 | None,
    bits: int,
) -> Rows:
    """Return pairs of a new row and another one that is there, (P, 2)."""
    there = np.flatnonzero(present)
    if not len(there):
        return np.empty((0, 2), np.int64)
    if packed is None:
        means = _means(store, space)
        found = pairs_by_vectors(means[new], means[there], nearest=NEAREST + 1)
    else:
        found = pairs_by_codes(
            np.ascontiguousarray(packed[new]),
            np.ascontiguousarray(packed[there]),
            nearest=NEAREST + 1,
            radius=int(RADIUS * bits),
            most=MOST,
        )
    pairs: Rows = np.stack([new[found[:, 0]], there[found[:, 1]]], axis=1)
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]], np.int64)


def _means(store: FeatureStore, space: FrameSpace) -> npt.NDArray[np.float32]:
    """Return the mean direction of each video's frames, (N, M)."""
    parts = [
        unit(space.project(store.features(slice(start, start + _BLOCK))).mean(axis=1))
        for start in range(0, len(store.videos), _BLOCK)
    ]
    return np.concatenate(parts).astype(np.float32)


def _blank(store: FeatureStore, rows: Rows, space: FrameSpace) -> dict[int, str]:
    """Return why rows carry no information; an empty line where they do."""
    found = {int(row): blank_reason(int(store.videos.blank[row])) for row in rows}
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for row, moved in zip(block, movement(store.features(block), space), strict=True):
            if moved < STILL:
                found[int(row)] = found[int(row)] or "nothing moves"
    return found


def _copies(ids: U8, row: int, present: npt.NDArray[np.bool_]) -> list[int]:
    same = np.flatnonzero((ids == ids[row]).all(axis=1) & present)
    return [int(other) for other in same if other != row]


def _bits_apart(packed: U8 | None, row: int, other: int) -> int | None:
    if packed is None:
        return None
    return int(np.bitwise_count(packed[row] ^ packed[other]).sum())
