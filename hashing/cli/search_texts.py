"""From words to videos: what ``search --text`` does between reading and printing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainpipe.pipeline.console import counted

from ..retrieval.answers import FoundVideo
from ..retrieval.backends import make_index
from ..retrieval.bitpack import pack
from ..retrieval.distance_names import ASYMMETRIC
from ..retrieval.library_decoder import best_moments
from ..retrieval.rank import AsymmetricRanker, HammingRanker, Ranked, Ranker, answers_of, similarity
from ..retrieval.text_answers import FoundByText
from .context import Tools
from .search_answers import SearchPlan
from .search_library import SearchedLibrary
from .text_decoder import text_decoder

if TYPE_CHECKING:
    from chainpipe.pipeline.backbones.texts import TextSide

    from ..models.hasher import F32


def find_by_text(
    texts: Sequence[str],
    library: SearchedLibrary,
    plan: SearchPlan,
    tools: Tools,
    *,
    side: TextSide,
) -> list[FoundByText]:
    """Return the videos that answer each text best.

    Args:
        texts: The texts.
        library: What is searched.
        plan: How; the distance is ``asymmetric`` or ``hamming``.
        tools: Of the command.
        side: The text side of the library's backbone.

    Raises:
        UsageError: If the decoder was never fitted and there is no store.
        DamageError: If rows that are read are damaged.
    """
    matches = side.match(texts)
    known = [one for one in matches if one.direction is not None]
    ranked: list[Ranked] = []
    if known:
        decoder = text_decoder(library, tools, unit_length=side.unit_length)
        values = decoder.values(np.array([one.direction for one in known]))
        ranked, gone = answers_of(
            _ranker(library, plan, values, tools), plan.k,
            copies=[()] * len(known), within=plan.within, is_gone=library.is_gone,
        )  # fmt: skip
        if gone:
            tools.log(f"{counted(gone, 'result')} left out: the file is gone")
    lines = iter(ranked)
    found = []
    for match in matches:
        if match.direction is None:
            found.append(FoundByText(match, (), ()))
            continue
        line = next(lines)
        answers = _answers(line, plan.distance, library.codes.bits)
        moments = _moments(match.direction, line, library, unit_length=side.unit_length)
        found.append(FoundByText(match, answers, moments))
    return found


def _ranker(library: SearchedLibrary, plan: SearchPlan, values: F32, tools: Tools) -> Ranker:
    codes, own = library.codes, [()] * len(values)
    searched = codes.packed if plan.rows is None else codes.packed[plan.rows]
    if plan.distance == ASYMMETRIC:
        return AsymmetricRanker(
            searched, codes.bits, values, scale=None, rows=plan.rows, left_out=own
        )
    index = make_index(
        searched, codes.bits, queries=len(values), backend=plan.backend, log=tools.log
    )
    return HammingRanker(index, pack(values >= 0), rows=plan.rows, left_out=own)


def _answers(ranked: Ranked, distance: str, bits: int) -> list[FoundVideo]:
    pairs = zip(ranked.rows.tolist(), ranked.distances.tolist(), strict=True)
    return [
        FoundVideo(rank, row, far, similarity(distance, far, bits))
        for rank, (row, far) in enumerate(pairs, start=1)
    ]


def _moments(
    direction: F32, ranked: Ranked, library: SearchedLibrary, *, unit_length: bool
) -> list[float]:
    """Return for each answer the second that answers best; NaN without the store."""
    if library.store is None:
        return [float("nan")] * len(ranked.rows)
    found = best_moments(direction, ranked.rows, library.store, unit_length=unit_length)
    return [float(second) for second in found]
