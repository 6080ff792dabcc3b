"""What every format gives: rows of features with the values of the named columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from ..console import printable
from ..errors import UsageError

MOST_BYTES = 1 << 30  # of one video


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of the columns, data sets, members or keys to read.

    Attributes:
        features: Of the features; ``None`` where there is only one that can be.
        ids: Of the videos' names, such as their paths; ``None`` for what the format has.
        labels: Of the labels; ``None`` for none.
        splits: Of the splits; ``None`` for what the format has.
        group: Group of an HDF5 file that holds one data set, or one group, for each video.
    """

    features: str | None = None
    ids: str | None = None
    labels: str | None = None
    splits: str | None = None
    group: str | None = None

    def chosen(self) -> dict[str, str]:
        """Return the names of the columns beside the features, by what they are."""
        named = {"ids": self.ids, "labels": self.labels, "splits": self.splits}
        return {part: name for part, name in named.items() if name is not None}


@dataclass(frozen=True, slots=True, eq=False)
class SourceRow:
    """One video as its file has it, nothing checked.

    Attributes:
        place: Where it is, for messages, such as ``row 3``.
        features: Any shape and type; ``None`` where the file has nothing.
        ids: Its name; ``None`` if the file has none.
        labels: As the file has them.
        splits: As the file has it.
    """

    place: str
    features: npt.NDArray[Any] | None
    ids: object = None
    labels: object = None
    splits: object = None


class FeatureSource(Protocol):
    """Features of videos in a file or folder; its rows can be read any number of times."""

    path: Path

    @property
    def column(self) -> str:
        """Name of what is read, empty where it has none."""
        ...

    @property
    def unread(self) -> Sequence[str]:
        """Names of what is not read and could be."""
        ...

    @property
    def count(self) -> int | None:
        """Number of videos, ``None`` where it is not known before they are read."""
        ...

    def rows(self) -> Iterator[SourceRow]:
        """Yield all videos, holding few in memory.

        Raises:
            DamageError: If the file is damaged.
            UsageError: If it holds something else than was asked for.
        """
        ...


def check_size(place: str, size: int) -> None:
    """Refuse a video that would fill the memory.

    Raises:
        UsageError: If it has more than 1 GiB.
    """
    if size > MOST_BYTES:
        hint = "a video is [T, D] or [D]; many videos in one array are [N, T, D] or [N, D]"
        raise UsageError(f"{place} has {size} bytes, more than {MOST_BYTES}", hint=hint)


def no_column(path: Path, name: str, known: Sequence[str], option: str) -> UsageError:
    """Return the error about a column that is not there."""
    listed = ", ".join(f"`{one}`" for one in known) or "nothing"
    return UsageError(f"`{printable(path)}` has no `{name}` ({option})", hint=f"it has: {listed}")


OPTIONS = {"ids": "--id-column", "labels": "--label-column", "splits": "--split-column"}


def choose_column(path: Path, given: str | None, fits: Sequence[str], every: Sequence[str]) -> str:
    """Return the name of the column of features.

    Args:
        path: The file, for messages.
        given: The one that was named.
        fits: Names of those that may be features.
        every: Names of all.

    Raises:
        UsageError: If the named one is not there, or none is named and not exactly one fits.
    """
    if given is not None:
        if given not in every:
            raise no_column(path, given, every, "--column")
        return given
    if len(fits) == 1:
        return fits[0]
    listed = ", ".join(f"`{one}`" for one in (fits or every)) or "nothing"
    found = f"{len(fits)} columns that may be features" if fits else "no column of features"
    raise UsageError(f"`{printable(path)}` has {found}", hint=f"name one by `--column`: {listed}")
