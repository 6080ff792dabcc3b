"""Distances that order the answers: Hamming, asymmetric, and re-ranking of the first answers.

Each gives whole numbers, so that ties are exact equals and every metric treats all distances alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError

from ..models.hasher import F32
from ..retrieval.asymmetric import asymmetric_steps, bit_weights, nearest_steps
from ..retrieval.codes import Codes
from ..retrieval.distance_names import ASYMMETRIC, DISTANCES, HAMMING, RERANK
from ..retrieval.hamming import Rows, distance_matrix
from ..retrieval.rerank import DEPTH, FARTHEST, cosine_steps, sample_centre

__all__ = ["ASYMMETRIC", "DISTANCES", "HAMMING", "RERANK", "Distance", "DistanceChoice"]
FAR = np.iinfo(np.int64).max  # of a video that is left out
Keys = npt.NDArray[np.int64]


class Distance(Protocol):
    """Orders a database for queries."""

    name: ClassVar[str]

    def facts(self) -> dict[str, str | int]:
        """Return the distance as JSON values."""
        ...

    def sentences(self) -> list[str]:
        """Describe the distance, one sentence a line."""
        ...

    def keys(self, codes: Codes, queries: Rows, database: Rows, own: Rows) -> Keys:
        """Return whole numbers that order the database: nearer answers have smaller ones.

        Args:
            codes: Codes of B videos.
            queries: Rows of Q queries.
            database: Rows of the database, (N,).
            own: Where in the database each query is to be left out, -1 for nowhere, (Q,).

        Returns:
            (Q, N); :data:`FAR` for what is left out.
        """
        ...


@dataclass(frozen=True, slots=True)
class HammingDistance:
    """Number of bits that differ."""

    name: ClassVar[str] = HAMMING

    def facts(self) -> dict[str, str | int]:
        """See :meth:`Distance.facts`."""
        return {"distance": self.name}

    def sentences(self) -> list[str]:
        """See :meth:`Distance.sentences`."""
        return ["Distance: hamming, the number of bits that differ."]

    def keys(self, codes: Codes, queries: Rows, database: Rows, own: Rows) -> Keys:
        """See :meth:`Distance.keys`."""
        found = distance_matrix(codes.packed[queries], codes.packed[database])
        return _leave_out(found.astype(np.int64), own)


@dataclass(frozen=True, slots=True, eq=False)
class AsymmetricDistance:
    """The queries' real values against stored bits; scaled by the codes' ``value_scale``.

    Attributes:
        values: Values of the first videos of the codes, at least of all queries, (B, K).
    """

    name: ClassVar[str] = ASYMMETRIC
    values: F32 = field(repr=False)

    def facts(self) -> dict[str, str | int]:
        """See :meth:`Distance.facts`."""
        return {"distance": self.name}

    def sentences(self) -> list[str]:
        """See :meth:`Distance.sentences`."""
        return [
            "Distance: asymmetric; a bit that differs counts the magnitude of the query's value,"
            " relative to the bit's and the query's mean magnitude.",
        ]

    def keys(self, codes: Codes, queries: Rows, database: Rows, own: Rows) -> Keys:
        """See :meth:`Distance.keys`."""
        weights = bit_weights(self.values[queries], codes.value_scale)
        found = asymmetric_steps(weights, codes.packed[database], codes.bits)
        return _leave_out(found.astype(np.int64), own)


@dataclass(frozen=True, slots=True, eq=False)
class RerankDistance:
    """The first answers by Hamming distance, re-ranked by cosine of centred mean features.

    Attributes:
        means: Mean features of the codes' videos, (B, D).
        depth: How many answers are re-ranked; the others keep their order behind them.
    """

    name: ClassVar[str] = RERANK
    means: F32 = field(repr=False)
    depth: int = DEPTH

    def facts(self) -> dict[str, str | int]:
        """See :meth:`Distance.facts`."""
        return {"distance": self.name, "rerank_depth": self.depth}

    def sentences(self) -> list[str]:
        """See :meth:`Distance.sentences`."""
        return [
            f"Distance: rerank; the first {self.depth} answers by Hamming distance, ordered by"
            " cosine of the videos' mean features, centred on the database; all others behind"
            " them by Hamming distance.",
        ]

    def keys(self, codes: Codes, queries: Rows, database: Rows, own: Rows) -> Keys:
        """See :meth:`Distance.keys`."""
        found = HammingDistance().keys(codes, queries, database, own)
        centre = sample_centre(lambda rows: self.means[database[rows]], len(database))
        found[found < FAR] += 1 + FARTHEST
        for line, query in zip(found, queries, strict=True):
            first = nearest_steps(line, self.depth)
            first = first[line[first] < FAR]
            line[first] = cosine_steps(self.means[query], self.means[database[first]], centre)
        return found


@dataclass(frozen=True, slots=True)
class DistanceChoice:
    """A distance by name, before there are the values or features that it needs.

    Attributes:
        name: One of :data:`DISTANCES`.
        depth: How many answers are re-ranked.

    Raises:
        UsageError: If there is no such distance, or ``depth`` is below 1.

    Example:
        >>> DistanceChoice("hamming").distance()
        HammingDistance()
    """

    name: str = HAMMING
    depth: int = DEPTH

    def __post_init__(self) -> None:
        if self.name not in DISTANCES:
            hint = f"one of: {', '.join(DISTANCES)}"
            raise UsageError(f"no distance `{self.name}`", hint=hint)
        if self.depth < 1:
            raise UsageError(f"{self.depth} answers cannot be re-ranked", hint="1 or more")

    @property
    def needs_values(self) -> bool:
        """Whether it needs the queries' values."""
        return self.name == ASYMMETRIC

    @property
    def needs_means(self) -> bool:
        """Whether it needs mean features of queries and database."""
        return self.name == RERANK

    def distance(self, values: F32 | None = None, means: F32 | None = None) -> Distance:
        """Return the distance.

        Args:
            values: Values of the videos of the codes, at least of all queries, (B, K).
            means: Mean features of the videos of the codes, (B, D).

        Raises:
            ValueError: If what it needs is not given.
        """
        if self.name == HAMMING:
            return HammingDistance()
        if self.name == ASYMMETRIC and values is not None:
            return AsymmetricDistance(values)
        if self.name == RERANK and means is not None:
            return RerankDistance(means, self.depth)
        raise ValueError(f"the distance `{self.name}` needs more than the codes")


def _leave_out(found: Keys, own: Rows) -> Keys:
    """Set each query's own place to :data:`FAR`."""
    asking = np.flatnonzero(own >= 0)
    found[asking, own[asking]] = FAR
    return found
