"""What a search answers: videos with a distance, a similarity and a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .query import Query

COPY, SAME_SCENES, SIMILAR = "copy", "same-scenes", "similar"
WORDS = {COPY: "copy", SAME_SCENES: "same scenes", SIMILAR: "similar", None: ""}


@dataclass(frozen=True, slots=True)
class FoundVideo:
    """One answer.

    Attributes:
        rank: From 1, the nearest first.
        row: In the store.
        distance: In the unit of the search's distance.
        similarity: Cosine of what is compared, 0 to 1.
        word: ``copy``, ``same-scenes``, ``similar``, or ``None`` for a video that is no nearer than
            chance makes one.
        exact: Whether its file has the query's very bytes.
        reason: Why it has its word, where more than the distance says so.
    """

    rank: int
    row: int
    distance: float
    similarity: float
    word: str | None = None
    exact: bool = False
    reason: str = ""

    @property
    def text(self) -> str:
        """The word for people.

        >>> FoundVideo(1, 7, 0.0, 1.0, "copy", exact=True).text, FoundVideo(2, 8, 9.0, 0.4).text
        ('same file', '')
        """
        return "same file" if self.exact else WORDS[self.word]


@dataclass(frozen=True, slots=True)
class Found:
    """One query and its answers.

    Attributes:
        query: The query.
        left_out: Rows that are excluded from the answers: the query's own.
        answers: Nearest first.
        near: Whether any answer is near; if not, they are merely the nearest that there are.
    """

    query: Query
    left_out: tuple[int, ...]
    answers: Sequence[FoundVideo]
    near: bool = True
