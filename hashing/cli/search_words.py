"""The words of answers: the second check on the first ones, the limit of chance for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..retrieval.answers import COPY, SAME_SCENES, SIMILAR, FoundVideo
from ..retrieval.asymmetric import STEP, asymmetric_steps, bit_weights
from ..retrieval.distance_names import ASYMMETRIC, RERANK
from ..retrieval.hamming import distance_matrix
from ..retrieval.nearness import chance_limit, sample_rows
from ..retrieval.rank import Ranked, similarity
from .search_library import SearchedLibrary
from .search_queries import AskedVideo, features_of

if TYPE_CHECKING:
    from ..matching.records import FrameSequence
    from ..matching.space import FrameSpace
    from ..models.hasher import F32
    from ..retrieval.bitpack import U8
    from .library_facts import LibraryFacts

    Clip = tuple[FrameSequence, int]  # frames, and the number of `Blank`

CHECKED = 10  # first answers that the second check looks at


@dataclass(frozen=True, slots=True, eq=False)
class AskedArrays:
    """What the distances compare of Q queries.

    Attributes:
        codes: Packed, (Q, bytes).
        values: Before binarization, (Q, K), for ``asymmetric``.
        means: Mean features, (Q, D), for ``rerank``.
    """

    codes: U8
    values: F32 | None = None
    means: F32 | None = None


class AnswerWords:
    """Gives answers their words.

    Args:
        library: What is searched.
        distance: Name of the distance.
        videos: How many videos may be answers.
        facts: Of the library, where they are needed.
        check: Whether the second check looks at the first answers.
    """

    def __init__(
        self,
        library: SearchedLibrary,
        distance: str,
        *,
        videos: int,
        facts: LibraryFacts | None,
        check: bool,
    ) -> None:
        self._library, self._distance, self._videos = library, distance, videos
        self._facts, self._check = facts, check
        sample = sample_rows(len(library.codes))
        self._sample = library.codes.packed[sample]

    def answers(
        self, one: AskedVideo, asked: AskedArrays, place: int, ranked: Ranked
    ) -> list[FoundVideo]:
        """Return the answers to one query with their words.

        Args:
            one: The query.
            asked: What is compared.
            place: Of the query in those arrays.
            ranked: Its answers.
        """
        bits, exact = self._library.codes.bits, set(one.query.rows)
        alike = [similarity(self._distance, found, bits) for found in ranked.distances.tolist()]
        limit = self._limit(asked, place) if len(alike) else 1.0
        checked = self._checked(one, [row for row in ranked.rows.tolist() if row not in exact])
        answers = []
        lines = zip(ranked.rows.tolist(), ranked.distances.tolist(), alike, strict=True)
        for rank, (row, distance, found) in enumerate(lines, start=1):
            word, reason = checked.get(row, (None, ""))
            if row in exact:
                word, reason = COPY, "the same bytes"
            elif word != COPY:  # a copy may be far; other scenes are the same where they are near
                word = None if found < limit else word or SIMILAR
            answers.append(FoundVideo(rank, row, distance, found, word, row in exact, reason))
        return answers

    def _limit(self, asked: AskedArrays, place: int) -> float:
        """Return the similarity from which an answer is more alike than chance makes one."""
        bits = self._library.codes.bits
        cosines: npt.NDArray[np.floating]
        size = bits
        if self._distance == RERANK:
            assert asked.means is not None
            assert self._facts is not None
            centre = self._facts.centre
            cosines = _cosines(asked.means[place] - centre, self._facts.means - centre)
            size = len(centre)
        elif self._distance == ASYMMETRIC:
            assert asked.values is not None
            weights = bit_weights(asked.values[place][None], self._library.codes.value_scale)
            cosines = 1 - 2 * STEP * asymmetric_steps(weights, self._sample, bits)[0] / bits
        else:
            near = distance_matrix(asked.codes[place][None], self._sample)[0]
            cosines = 1 - 2 * near.astype(np.float64) / bits
        return chance_limit(cosines, videos=self._videos, distance=self._distance, size=size)

    def _checked(self, one: AskedVideo, rows: Sequence[int]) -> dict[int, tuple[str | None, str]]:
        """Return word and reason of the first answers that are copies or show the same scenes."""
        rows = rows[:CHECKED]
        check = None if self._facts is None else self._facts.check
        if not self._check or check is None or not rows:
            return {}
        from ..matching.records import Relation

        words = {
            Relation.COPY: COPY,
            Relation.PART_OF: COPY,
            Relation.SAME_SCENES: SAME_SCENES,
        }
        space = check.space
        if (asked := _informative(_query_clip(one, self._library), space)) is None:
            return {}
        asked = check.sequence(asked)
        found: dict[int, tuple[str | None, str]] = {}
        for row, clip in zip(rows, _clips(rows, self._library), strict=True):
            if (answer := _informative(clip, space)) is None:
                continue
            verdict = check.compare_projected(asked, check.sequence(answer))
            if verdict.relation in words:
                found[row] = words[verdict.relation], verdict.reason
        return found


def _informative(clip: Clip, space: FrameSpace) -> FrameSequence | None:
    """Return the frames of a clip, or nothing where it is blank or stands still."""
    from ..matching.information import STILL, blank_reason, movement

    sequence, blank = clip
    if blank_reason(blank):
        return None
    return sequence if movement(sequence.features[None], space)[0] >= STILL else None


def _cosines(query: F32, sample: F32) -> npt.NDArray[np.float64]:
    """Return the cosines of one vector (D,) with others (S, D); 0 where one is 0."""
    sizes = np.linalg.norm(sample, axis=1) * np.linalg.norm(query)
    found = sample.astype(np.float64) @ query.astype(np.float64)
    return np.asarray(np.divide(found, sizes, out=np.zeros(len(sample)), where=sizes > 0))


def _query_clip(one: AskedVideo, library: SearchedLibrary) -> Clip:
    """Return the frames of a query, and whether they are blank."""
    from ..matching.records import FrameSequence

    if one.video is None:
        return _clips([one.row], library)[0]
    features = np.asarray(features_of(one, library), np.float32)
    video = one.video
    return FrameSequence(features, video.seconds, video.info.duration), int(video.blank)


def _clips(rows: Sequence[int], library: SearchedLibrary) -> list[Clip]:
    """Return the frames of rows, and whether they are blank."""
    from ..matching.records import FrameSequence

    store = library.store
    assert store is not None
    at = np.array(rows, np.int64)
    features, seconds = store.features(at).astype(np.float32), store.seconds(at)
    lines = zip(features, seconds, store.videos.duration[at], store.videos.blank[at], strict=True)
    return [
        (FrameSequence(frames, when, float(duration)), int(blank))
        for frames, when, duration, blank in lines
    ]
