"""What every database of codes does; its answers are those of a scan in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ..retrieval.bitpack import U8
from .collection import CollectionFacts
from .rows import CodeRow


class DatabaseHit(NamedTuple):
    """One answer.

    Attributes:
        distance: Hamming distance.
        id: SHA-256 of the video's bytes, hexadecimal.
        number: Of the window in its video; 0 for a whole video.
        path: Of the video.
        start: First second of the window, ``None`` for a whole video.
        end: Last second of the window, ``None`` for a whole video.
    """

    distance: int
    id: str
    number: int
    path: str
    start: float | None
    end: float | None


class PushCount(NamedTuple):
    """What became of pushed rows.

    Attributes:
        new: Rows whose id was not there.
        changed: Rows that replaced others.
        same: Rows that were there as they are.
    """

    new: int
    changed: int
    same: int


class CodeDatabase(Protocol):
    """One collection of codes in a database.

    Attributes:
        facts: What it holds.
        name: How messages name it; without a password.
    """

    facts: CollectionFacts
    name: str

    def count(self) -> int:
        """Return the number of rows."""
        ...

    def push(self, rows: Sequence[CodeRow]) -> PushCount:
        """Insert rows, or replace those of the same id and number; all of them or none.

        Args:
            rows: At most one for each id and number.

        Raises:
            StorageError: If the database does not take them.
        """
        ...

    def search(self, codes: U8, k: int) -> list[list[DatabaseHit]]:
        """Return the k nearest rows of each query in the order (distance, id, number).

        Args:
            codes: Packed codes, (Q, ceil(K / 8)).
            k: How many answers; fewer come back if there are no more rows.

        Raises:
            StorageError: If the database does not answer.
        """
        ...

    def with_id(self, digits: str, most: int) -> dict[str, bytes]:
        """Return the packed codes of videos whose id starts so, by their ids, ascending.

        Args:
            digits: Hexadecimal.
            most: How many come back at most.
        """
        ...

    def remove(self, ids: Sequence[str]) -> int:
        """Delete all rows of some videos; return how many rows there were.

        Args:
            ids: Whole ids, 64 hexadecimal digits each.
        """
        ...

    def set_index(self, index: str) -> str:
        """Make an index over the rows that are there, in place of the one before.

        Args:
            index: One of ``INDEXES``, that its engine has.

        Returns:
            What to tell the user: the recall that was measured, or nothing.

        Raises:
            UsageError: If the engine at hand refuses it.
            StorageError: If the database does not answer.
        """
        ...

    def close(self) -> None:
        """End the connection."""
        ...
