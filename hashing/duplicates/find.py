"""From a store to its duplicates: exact copies, candidates, second check, groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.store import FeatureStore

from ..matching.records import Relation, Verdict
from ..matching.second_check import SecondCheck
from ..retrieval.bitpack import U8
from .candidate_pairs import nearest_of_each, nearest_pairs
from .comparison import ProjectedVideos
from .contents import VideoContents
from .decisions import Decision, Decisions
from .gates import Gates
from .groups import copies_elsewhere, group_copies
from .keep import DEFAULT_RULES, KeepRule, parse_rules
from .pairs import (
    ACCEPTED,
    EXACT,
    ApartVideo,
    CopyGroup,
    VideoPair,
    flipped,
    in_order,
    pairs_of_files,
)
from .parallel import compare_pairs
from .report import DuplicateReport
from .videos import ComparedVideos, shows_nothing

Advance = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
Recheck = Callable[[ComparedVideos, Sequence[VideoPair], Progress], list[VideoPair]]
NEAREST = 10  # of each video, which are looked at again whatever the second check says
FILTERED = 20_000  # pairs; of more only those are compared that move alike by a quick look
ROUNDS = 3  # of a search for copies of copies
CLOSED = 100  # contents that hang together: in larger heaps no missing pair is looked for


UNKNOWN = Verdict(Relation.NOTHING, "")


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
        workers: Threads of the search for candidates, and processes that compare pairs.
        seed: Of the samples that thresholds are fitted on.
    """

    gates: Gates = field(default_factory=Gates)
    rules: tuple[KeepRule, ...] = field(default_factory=lambda: parse_rules(DEFAULT_RULES))
    decisions: Decisions = field(default_factory=Decisions)
    before: dict[str, int] | None = None
    recheck: Recheck | None = None
    workers: int = 1
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
    gone = videos.gone()
    contents = VideoContents(videos, without=gone)
    check = SecondCheck.fit(store if against is None else against, seed=search.seed)
    with progress("read", len(contents)) as advance:
        held = ProjectedVideos(videos, check, list(contents), advance)
    run = _Run(videos, contents, held, search, codes)
    with progress("search candidates", None):
        wanted = run.candidates()
    look = search.recheck or (lambda videos, pairs, progress: list(pairs))
    pairs = look(videos, run.compare(wanted, progress), progress)
    for _ in range(ROUNDS):
        links = run.missing_links(wanted, pairs)
        if not len(links):
            break
        pairs += look(videos, run.compare(links, progress), progress)
        wanted = np.concatenate([wanted, links])
    return run.report([pair for pair in pairs if run.passes(pair)], gone)


class _Run:
    """One search: its contents, which of them are set apart, which pairs are told."""

    def __init__(
        self,
        videos: ComparedVideos,
        contents: VideoContents,
        held: ProjectedVideos,
        search: DuplicateSearch,
        codes: U8 | None,
    ) -> None:
        self.videos, self.contents, self.held = videos, contents, held
        self.search, self.codes = search, codes
        self.first_store = videos.first if videos.two else None
        reasons = ((name, held.apart_reason(name)) for name in contents)
        self.apart = {name: why for name, why in reasons if why}
        # Pixels may show a movement that the features do not.
        self.still = {name for name in self.apart if not held.is_blank(name)}
        before = search.before
        self.new = set(contents) if before is None else contents.new_since(before)
        self.compared = 0
        self.nearest: set[tuple[int, int]] = set()  # to be looked at whatever the check says

    def candidates(self) -> npt.NDArray[np.int64]:
        """Return the pairs of contents to compare, (P, 2)."""
        left_out = set(self.apart) - (self.still if self.search.recheck else set())
        names = [name for name in self.contents.of_first() if name not in left_out]
        others = None
        if self.videos.two:
            others = [name for name in self.contents.of_second() if name not in left_out]
        every = [*names, *(others or ())]
        found = nearest_pairs(
            names,
            others,
            means=self.held.means(every),
            codes=None if self.codes is None else self.codes[every],
            threads=self.search.workers,
        )
        if self.search.recheck is not None:
            likeness = self.held.likeness(found)
            near = found[nearest_of_each(found, likeness, NEAREST)]
            self.nearest = set(map(tuple, near.tolist()))
        seconds = self.videos.duration
        found = found[self.search.gates.lengths_pass(*(seconds[found[:, side]] for side in (0, 1)))]
        if len(self.new) < len(self.contents):
            new = np.isin(found, np.fromiter(self.new, np.int64, len(self.new)))
            found = found[new.any(axis=1)]
        if len(found) > FILTERED:
            found = self._likely(found)
        if not len(self.search.decisions):
            return found
        open_ = [self._decision(*pair) is None for pair in found.tolist()]
        return np.asarray(found[np.array(open_, bool)])

    def _likely(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Leave out pairs that do not move alike by a quick look, but those looked at anyway."""
        nearest = np.array(sorted(self.nearest), np.int64).reshape(-1, 2)
        kept = np.concatenate([self.held.likely(pairs), nearest])
        number = (len(self.videos), 1)
        return np.asarray(pairs[np.isin(pairs @ number, kept @ number)])

    def compare(self, wanted: npt.NDArray[np.int64], progress: Progress) -> list[VideoPair]:
        """Compare pairs of contents; return those that have something in common.

        Where videos are looked at again, the nearest pairs are returned, too.
        """
        self.compared += len(wanted)
        moving = ~np.isin(wanted, list(self.still)).any(axis=1)
        pairs = wanted[moving]
        found = []
        with progress("compare", len(pairs)) as advance:
            done = 0
            for verdicts in compare_pairs(self.held, pairs, workers=self.search.workers):
                rows = pairs[done : done + len(verdicts)].tolist()
                for (a, b), verdict in zip(rows, verdicts, strict=True):
                    if verdict is not None:
                        found.append(VideoPair(a, b, verdict, distance=self._distance(a, b)))
                done += len(verdicts)
                advance(len(verdicts))
        if self.search.recheck is not None:
            known = {(pair.a, pair.b) for pair in found}
            unsure = (self.nearest - known).intersection(map(tuple, wanted.tolist()))
            found += [
                VideoPair(a, b, UNKNOWN, distance=self._distance(a, b)) for a, b in sorted(unsure)
            ]
        return found

    def missing_links(
        self, compared: npt.NDArray[np.int64], pairs: Sequence[VideoPair]
    ) -> npt.NDArray[np.int64]:
        """Return pairs of contents that are copies of the same one and were not compared, (P, 2).

        Args:
            compared: The pairs that were, (P, 2).
            pairs: Those that have something in common.
        """
        copies: dict[int, set[int]] = {}
        for pair in pairs if not self.videos.two else ():
            if pair.is_copy:
                copies.setdefault(pair.a, set()).add(pair.b)
                copies.setdefault(pair.b, set()).add(pair.a)
        among = {
            pair
            for near in copies.values()
            if len(near) <= CLOSED
            for pair in combinations(sorted(near), 2)
            if self._decision(*pair) is None
        }
        wanted = np.array(sorted(among), np.int64).reshape(-1, 2)
        count = len(self.videos)
        known = np.isin(wanted @ (count, 1), compared @ (count, 1))
        if self.search.recheck is not None:
            self.nearest |= among
        return wanted[~known]

    def passes(self, pair: VideoPair) -> bool:
        """Return whether a pair has enough in common to be told."""
        if pair.verdict.relation is Relation.NOTHING:
            return False
        a, b = (float(self.videos.duration[row]) for row in (pair.a, pair.b))
        gates = self.search.gates
        return bool(gates.lengths_pass([a], [b])[0]) and gates.alignment_passes(
            pair.verdict.alignment, a, b
        )

    def report(self, pairs: Sequence[VideoPair], gone: frozenset[int]) -> DuplicateReport:
        """Return what was found, of contents, as what was found of files."""
        every = [*pairs, *self._accepted()]
        told = [pair for pair in every if pair.a in self.new or pair.b in self.new]
        files = [*self._exact(), *(one for pair in told for one in self._of_files(pair))]
        return DuplicateReport(
            videos=self.videos,
            pairs=in_order(files),
            groups=self._groups(every, files),
            apart=self._apart(told),
            gone=gone,
            compared=self.compared,
            ignored=self._ignored(),
        )

    def _distance(self, a: int, b: int) -> int | None:
        if self.codes is None:
            return None
        return int(np.bitwise_count(self.codes[a] ^ self.codes[b]).sum())

    def _decision(self, a: int, b: int) -> Decision | None:
        if not len(self.search.decisions):
            return None
        return self.search.decisions.of(self.videos.hex_id(a), self.videos.hex_id(b))

    def _accepted(self) -> list[VideoPair]:
        """Return the pairs of contents that somebody accepted as copies."""
        found = []
        for one, other in self.search.decisions.pairs(Decision.ACCEPT):
            a, b = self.contents.named(one), self.contents.named(other)
            if a is not None and b is not None and a != b:
                low, high = min(a, b), max(a, b)
                verdict = self.held.compare(low, high)
                verdict = replace(verdict, relation=Relation.COPY, reason=ACCEPTED, contained="")
                found.append(VideoPair(low, high, verdict, distance=self._distance(low, high)))
        return found

    def _ignored(self) -> int:
        """Return how many pairs of contents that are here somebody decided to ignore."""
        named, ignored = self.contents.named, self.search.decisions.pairs(Decision.IGNORE)
        return sum(named(a) is not None and named(b) is not None for a, b in ignored)

    def _exact(self) -> list[VideoPair]:
        """Return the pairs of files of equal bytes, but of those that show nothing."""
        found = []
        for name in self.contents:
            rows = self.contents.rows(name)
            if len(rows) == 1 or name not in self.new or not self._may_be_exact(name):
                continue
            for a, b, _ in pairs_of_files(rows, rows, self.first_store):
                found.append(VideoPair(a, b, EXACT, exact=True, distance=self._distance(a, b)))
        return found

    def _may_be_exact(self, name: int) -> bool:
        seconds = float(self.videos.duration[name])
        return (
            not shows_nothing(self.apart.get(name, ""))
            and seconds >= self.search.gates.min_seconds
            and self._decision(name, name) is not Decision.IGNORE
        )

    def _of_files(self, pair: VideoPair) -> list[VideoPair]:
        """Return the pairs of files of a pair of contents."""
        one, other = self.contents.rows(pair.a), self.contents.rows(pair.b)
        return [
            replace(pair, a=a, b=b, verdict=flipped(pair.verdict) if turned else pair.verdict)
            for a, b, turned in pairs_of_files(one, other, self.first_store)
        ]

    def _groups(self, pairs: Sequence[VideoPair], files: Sequence[VideoPair]) -> list[CopyGroup]:
        rules, video = self.search.rules, self.videos.video
        if self.first_store is not None:
            return copies_elsewhere(files, self.first_store, video, rules)
        rows_of = {}
        for name in self.contents:
            rows = self.contents.rows(name)
            rows_of[name] = rows if self._may_be_exact(name) else rows[:1]
        groups = group_copies(pairs, rows_of, video, rules)
        if len(self.new) == len(self.contents):
            return groups
        fresh = {row for name in self.new for row in self.contents.rows(name)}
        return [group for group in groups if fresh.intersection(group.rows)]

    def _apart(self, pairs: Sequence[VideoPair]) -> list[ApartVideo]:
        """Return the files of the first store that are set apart, and in no pair all the same."""
        paired = {name for pair in pairs for name in (pair.a, pair.b)}
        return [
            ApartVideo(row, why, tuple(one for one in rows if one != row))
            for name, why in self.apart.items()
            if name in self.new and name not in paired
            for rows in [[row for row in self.contents.rows(name) if row < self.videos.first]]
            for row in rows
        ]
