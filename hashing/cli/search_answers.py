"""From queries to answers with words: what ``search`` does between reading and printing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.errors import UsageError

from ..retrieval.answers import Found
from ..retrieval.backends import AUTO, make_index
from ..retrieval.distance_names import ASYMMETRIC, HAMMING, RERANK
from ..retrieval.hamming import Rows
from ..retrieval.rank import AsymmetricRanker, HammingRanker, Ranker, Reranker, answers_of
from .context import Tools
from .search_library import SearchedLibrary
from .search_queries import AskedVideo, codes_of, query_means, values_of
from .search_words import AnswerWords, AskedArrays

if TYPE_CHECKING:
    from ..retrieval.index import HammingIndex
    from .library_facts import LibraryFacts


@dataclass(frozen=True, slots=True, eq=False)
class SearchPlan:
    """How a library is searched.

    Attributes:
        distance: One of ``DISTANCES``.
        rows: Rows that may be answers, ascending; ``None`` for all.
        k: Number of answers to each query.
        within: Largest distance of an answer.
        backend: One of ``BACKENDS``.
        check: Whether the second check looks at the first answers.
        keep_self: Whether the row that was asked for may be an answer.
    """

    distance: str
    rows: Rows | None = None
    k: int = 10
    within: float | None = None
    backend: str = AUTO
    check: bool = False
    keep_self: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ReadySearch:
    """What many searches of one library share, so that it is made once.

    Attributes:
        index: Of all its codes; a plan that names rows has one of its own.
        facts: Of the library; ``None`` where they are not needed.
    """

    index: HammingIndex
    facts: LibraryFacts | None = None


def find_answers(
    asked: Sequence[AskedVideo],
    library: SearchedLibrary,
    plan: SearchPlan,
    tools: Tools,
    *,
    ready: ReadySearch | None = None,
) -> list[Found]:
    """Return the answers to each query, with their words.

    Args:
        asked: The queries.
        library: What is searched.
        plan: How.
        tools: Of the command.
        ready: What earlier searches made; by default it is made now.

    Raises:
        UsageError: If values of rows are needed and there is no store, or the model gives none.
        DamageError: If rows that are read are damaged.
    """
    own = _left_out(asked, keep_self=plan.keep_self, tools=tools)
    copies = _copies(asked, plan)
    needs_facts = plan.check or plan.distance == RERANK
    facts = _facts(library, tools, ready) if needs_facts else None
    arrays = _arrays(asked, library, plan.distance)
    ranker = _ranker(library, plan, arrays, own, copies, facts, tools, ready)
    ranked, gone = answers_of(
        ranker, plan.k, copies=copies, within=plan.within, is_gone=library.is_gone
    )
    if gone:
        tools.log(f"{counted(gone, 'result')} left out: the file is gone")
    count = len(library.codes) if plan.rows is None else len(plan.rows)
    words = AnswerWords(library, plan.distance, videos=count, facts=facts, check=plan.check)
    found = []
    for place, (one, line) in enumerate(zip(asked, ranked, strict=True)):
        answers = words.answers(one, arrays, place, line)
        near = any(answer.word for answer in answers)
        shown = near or bool(answers and plan.within is not None)
        found.append(Found(one.query, own[place], answers, shown))
    return found


def _left_out(
    asked: Sequence[AskedVideo], *, keep_self: bool, tools: Tools
) -> list[tuple[int, ...]]:
    """Return for each query the rows that are no answers: its own."""
    if keep_self:
        return [() for _ in asked]
    itself = [one.query.itself for one in asked]
    own: list[tuple[int, ...]] = [() if row is None else (row,) for row in itself]
    if sum(map(bool, own)) > 1:
        tools.log("videos of the store are left out of their own answers (--keep-self keeps them)")
    for one, rows in zip(asked, own, strict=True):
        if rows and sum(map(bool, own)) == 1:
            name = printable(one.query.text)
            tools.log(f"{name} is left out of its own answers (--keep-self keeps it)")
    return own


def _copies(asked: Sequence[AskedVideo], plan: SearchPlan) -> list[tuple[int, ...]]:
    """Return for each query the rows with its bytes that may be answers."""
    kept = plan.keep_self
    every = [tuple(sorted(one.query.rows)) if kept else one.query.copies for one in asked]
    if plan.rows is None:
        return every
    passing = set(plan.rows.tolist()) if any(every) else set()
    return [tuple(row for row in one if row in passing) for one in every]


def _facts(library: SearchedLibrary, tools: Tools, ready: ReadySearch | None) -> LibraryFacts:
    if ready is not None and ready.facts is not None:
        return ready.facts
    from .library_facts import library_facts

    assert library.store is not None
    return library_facts(library.store, library.folder, log=tools.log)


def _arrays(asked: Sequence[AskedVideo], library: SearchedLibrary, distance: str) -> AskedArrays:
    """Return what the distance compares.

    Raises:
        UsageError: If values of rows are needed and there is no store, or the model gives none.
    """
    codes = codes_of(asked, library)
    if distance == ASYMMETRIC:
        if library.store is None and any(one.video is None for one in asked):
            hint = f"name the store with `--store`, ask by a file, or take `--distance {HAMMING}`"
            raise UsageError("the values of a row are in the store, which is not there", hint=hint)
        return AskedArrays(codes, values=values_of(asked, library))
    if distance == RERANK:
        return AskedArrays(codes, means=query_means(asked, library))
    return AskedArrays(codes)


def _ranker(
    library: SearchedLibrary,
    plan: SearchPlan,
    arrays: AskedArrays,
    own: Sequence[tuple[int, ...]],
    copies: Sequence[Sequence[int]],
    facts: LibraryFacts | None,
    tools: Tools,
    ready: ReadySearch | None,
) -> Ranker:
    bits, packed, rows = library.codes.bits, library.codes.packed, plan.rows
    searched = packed if rows is None else packed[rows]
    if plan.distance == ASYMMETRIC:
        assert arrays.values is not None
        scale = library.codes.value_scale
        return AsymmetricRanker(searched, bits, arrays.values, scale=scale, rows=rows, left_out=own)
    if ready is not None and rows is None:
        index = ready.index
    else:
        index = make_index(searched, bits, queries=len(own), backend=plan.backend, log=tools.log)
    first = HammingRanker(index, arrays.codes, rows=rows, left_out=own)
    if plan.distance == HAMMING:
        return first
    assert arrays.means is not None
    assert facts is not None
    return Reranker(
        first, arrays.means, means_of=library.means_of, centre=facts.centre, always=copies
    )
