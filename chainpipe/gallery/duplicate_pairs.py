"""Pairs and groups of duplicates: from a file of ``dedup --json``, or looked for now."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainpipe.hashing.duplicates.contents import VideoContents
from chainpipe.hashing.duplicates.find import DuplicateSearch, Progress, find_copies
from chainpipe.hashing.duplicates.groups import group_copies
from chainpipe.hashing.duplicates.keep import DEFAULT_RULES, parse_rules
from chainpipe.hashing.duplicates.lines import apart_facts, pair_facts
from chainpipe.hashing.duplicates.pairs import CopyGroup, VideoPair
from chainpipe.hashing.duplicates.videos import ComparedVideos
from chainpipe.hashing.matching.records import AlignedRun, Alignment, Relation, Verdict
from chainpipe.hashing.retrieval.bitpack import U8
from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.base import FeatureStore

from .json_lines import read_json_lines

Facts = Mapping[str, Any]
HINT = "`chainpipe dedup STORE --json > FILE` writes one of this store"
_SHOWN = (Relation.COPY, Relation.PART_OF, Relation.SAME_SCENES)
_TIMES = ("a_start", "a_end", "b_start", "b_end", "speed")


@dataclass(frozen=True, slots=True)
class LibraryDuplicates:
    """What a library holds more than once.

    Attributes:
        pairs: Rows and facts of each pair that is a copy, a part or of the same scenes.
        groups: Groups of copies.
        blank: Why a row is compared with no other, by row.
    """

    pairs: Sequence[tuple[int, int, Facts]] = ()
    groups: Sequence[CopyGroup] = ()
    blank: Mapping[int, str] = field(default_factory=dict)


def look_for_duplicates(
    store: FeatureStore, *, codes: U8 | None, workers: int, progress: Progress
) -> LibraryDuplicates:
    """Compare the videos of a store as ``chainpipe dedup`` does; no decision hides a pair.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    search = DuplicateSearch(workers=workers)
    report = find_copies(store, search, codes=codes, progress=progress)
    pairs = [
        (pair.a, pair.b, pair_facts(report, pair))
        for pair in report.pairs
        if pair.verdict.relation in _SHOWN
    ]
    blank = {one.row: str(apart_facts(report, one)["blank"]) for one in report.apart}
    return LibraryDuplicates(pairs, report.groups, blank)


def read_duplicates(path: Path, store: FeatureStore) -> LibraryDuplicates:
    """Read what ``chainpipe dedup STORE --json`` printed; copies are grouped again.

    Args:
        path: The file.
        store: The store that it is about.

    Raises:
        NotFoundError: If there is no such file.
        UsageError: If a line is no such object, or names a video that the store does not have.
    """
    row_of = {os.fsdecode(name): row for row, name in enumerate(store.videos.paths)}
    pairs: list[tuple[int, int, Facts]] = []
    blank: dict[int, str] = {}
    for where, facts in read_json_lines(path, schema=1, hint=HINT):
        if "blank" in facts:
            blank[_row(facts, "path", row_of, where)] = str(facts["blank"])
        elif _relation(facts, where) in _SHOWN:
            pair = _row(facts, "a", row_of, where), _row(facts, "b", row_of, where)
            pairs.append((*pair, facts))
    return LibraryDuplicates(pairs, _groups(pairs, store), blank)


def _groups(pairs: Sequence[tuple[int, int, Facts]], store: FeatureStore) -> list[CopyGroup]:
    videos = ComparedVideos(store)
    contents = VideoContents(videos)
    name_of = {row: name for name in contents for row in contents.rows(name)}
    shown = {name for a, b, facts in pairs if facts["exact"] for name in (name_of[a], name_of[b])}
    rows = {name: contents.rows(name) if name in shown else [name] for name in contents}
    found = [
        VideoPair(name_of[a], name_of[b], Verdict(Relation.COPY, "", _alignment(facts)))
        for a, b, facts in pairs
        if facts["answer"] == Relation.COPY.value and name_of[a] != name_of[b]
    ]
    return group_copies(found, rows, videos.video, parse_rules(DEFAULT_RULES))


def _alignment(facts: Facts) -> Alignment:
    """Return the alignment that the facts of a pair tell of."""
    score = float(facts.get("score") or 0.0)
    run = AlignedRun(*(float(facts.get(name) or 0.0) for name in _TIMES))
    share_a, share_b = (float(facts.get(name) or 0.0) for name in ("share_a", "share_b"))
    return Alignment((run,), share_a, share_b, dyn=0.0, step=0.0, cosine=0.0, score=score)


def _relation(facts: Facts, where: str) -> Relation:
    words = {relation.value: relation for relation in Relation}
    if facts.get("answer") not in words or not isinstance(facts.get("exact"), bool):
        shown = printable(json.dumps(facts)[:60])
        raise UsageError(f"{where} is no pair of `dedup --json`: `{shown}`", hint=HINT)
    for name in (*_TIMES, "share_a", "share_b", "score"):
        if not isinstance(facts.get(name), int | float | None):
            shown = printable(str(facts.get(name)))
            raise UsageError(f"{where}: `{name}` is no number: `{shown}`", hint=HINT)
    return words[facts["answer"]]


def _row(facts: Facts, key: str, row_of: Mapping[str, int], where: str) -> int:
    name = facts.get(key)
    if not isinstance(name, str) or name not in row_of:
        shown = printable(str(name))
        raise UsageError(f"{where} names `{shown}`, which the store does not have", hint=HINT)
    return row_of[name]


def aligned_moments(facts: Facts, count: int) -> Iterator[tuple[float, float]]:
    """Yield moments of two videos that show the same, spread over their aligned stretch.

    Args:
        facts: Of a pair, with the keys of ``dedup --json``.
        count: How many.
    """
    values = [facts.get(name) for name in _TIMES]
    if any(value is None for value in values):
        return
    a_start, a_end, b_start, b_end, _ = (float(value) for value in values if value is not None)
    for place in range(count):
        share = (2 * place + 1) / (2 * count)
        yield a_start + share * (a_end - a_start), b_start + share * (b_end - b_start)
