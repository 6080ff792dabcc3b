"""From a store to its duplicates: exact copies, candidates, second check, groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store import FeatureStore

from ..matching.records import Relation, Verdict
from ..matching.second_check import SecondCheck
from ..retrieval.bitpack import U8
from .candidate_pairs import nearest_pairs
from .comparison import ProjectedVideos
from .contents import VideoContents
from .decisions import Decision, Decisions
from .gates import Gates
from .groups import copies_elsewhere, group_copies
from .keep import DEFAULT_RULES, KeepRule, parse_rules
from .pairs import ACCEPTED, EXACT, ApartVideo, CopyGroup, VideoPair
from .pairs import flipped, in_order, pairs_of_files
from .report import DuplicateReport
from .videos import ComparedVideos, shows_nothing

Advance = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
Recheck = Callable[[ComparedVideos, Sequence[VideoPair], Progress], list[VideoPair]]
CLOSED = 100  # contents that hang together: in larger heaps no missing pair is looked for


def _silent(what: str, total: int | None) -> AbstractContextManager[Advance]:
    return nullcontext(lambda steps: None)


@dataclass(frozen=True, slots=True)
class DuplicateSearch:
    """How duplicates are looked for.

    Attributes:
        gates: Which pairs are told.
        rules: Which of several copies is kept.
        decisions: What somebody decided about pairs before.
        before: How many files of each content the last run compared; only pairs with a video that
            came since are told. ``None``: all pairs.
        recheck: Looks at doubtful pairs again, in the videos' files.
        threads: Of the search for candidates.
        seed: Of the samples that thresholds are fitted on.
    """

    gates: Gates = Gates()
    rules: tuple[KeepRule, ...] = field(default_factory=lambda: parse_rules(DEFAULT_RULES))
    decisions: Decisions = field(default_factory=Decisions)
    before: dict[str, int] | None = None
    recheck: Recheck | None = None
    threads: int = 1
    seed: int = 0


def find_copies(
    store: FeatureStore,
    search: DuplicateSearch,
    *,
    against: FeatureStore | None = None,
    codes: U8 | None = None,
    progress: Progress = _silent,
) -> DuplicateReport:
    """Find the duplicates in a store, or those videos of it that another store has, too.

    Args:
        store: The store.
        search: How.
        against: The other store; only pairs across both are told then.
        codes: Packed codes of all rows, (N, bytes), those of the other store last: they give the
            candidates. Without codes the mean features do.
        progress: Shows how far it is.

    Raises:
        UsageError: If features are NaN or infinite, or the two stores do not go together.
        DamageError: If a store is damaged.
    """
    videos = ComparedVideos(store, against)
    contents = VideoContents(videos)
    new = None if search.before is None else contents.new_since(search.before)
    names = list(contents)
    check = SecondCheck.fit(against if against is not None else store, seed=search.seed)
    with progress("read", len(names)) as advance:
        held = ProjectedVideos(videos, check, names, advance)
    apart = {name: why for name in names if (why := held.apart_reason(name))}
    told = _Told(videos, contents, search, new)
    checked = _checked(told, held, apart, codes, progress)
    if search.recheck is not None:
        checked = search.recheck(videos, checked, progress)
    pairs = told.files_of([*told.accepted(checked), *checked], apart)
    gone = frozenset(videos.gone(sorted({row for pair in pairs for row in (pair.a, pair.b)})))
    listed = [
        ApartVideo(row, why, tuple(r for r in contents.rows(name) if r != row))
        for name, why in apart.items()
        for row in contents.rows(name)
        if row < videos.first and (new is None or name in new)
    ]
    return DuplicateReport(
        videos=videos,
        pairs=in_order(pairs),
        groups=told.groups([*told.accepted(checked), *checked], pairs, apart, gone),
        apart=listed,
        gone=gone,
        compared=told.compared,
        ignored=len(told.ignored),
    )
