"""Ground truth of a set of edited copies, read from ``truth.csv`` and ``videos.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chainpipe.pipeline.errors import NotFoundError, UsageError

DUPLICATE, IGNORE = "duplicate", "ignore"
VIDEO_COLUMNS = ("id", "role", "edits", "kind")
PAIR_COLUMNS = ("a", "b", "relation")
HINT = "`truth.csv` and `videos.csv` lie in one folder, as the tool that made the copies wrote them"


@dataclass(frozen=True, slots=True)
class MadeVideo:
    """How one video was made.

    Attributes:
        role: ``original``, ``copy``, ``distractor``, ``hard`` or ``empty``.
        edits: Names of the edits of a copy.
        kind: Of a ``hard`` video, such as ``take``.
    """

    role: str
    edits: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True, repr=False)
class CopiesTruth:
    """Ground truth of a set of edited copies.

    Attributes:
        videos: By the stem of the video's file name.
        relations: Relation of two videos; pairs that are not listed are different.
    """

    videos: Mapping[str, MadeVideo]
    relations: Mapping[frozenset[str], str]


def read_copies_truth(path: Path) -> CopiesTruth:
    """Read the relations from ``path``, and the roles and edits from ``videos.csv`` beside it.

    Raises:
        NotFoundError: If one of the two files cannot be read.
        UsageError: If one of them lacks a column or is no CSV file.
    """
    videos = {
        row["id"]: MadeVideo(row["role"], tuple(filter(None, row["edits"].split("+"))), row["kind"])
        for row in _rows(path.with_name("videos.csv"), VIDEO_COLUMNS)
    }
    relations = {
        frozenset((row["a"], row["b"])): row["relation"] for row in _rows(path, PAIR_COLUMNS)
    }
    return CopiesTruth(videos, relations)


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, restval="")
            rows = list(table)
    except OSError as error:
        raise NotFoundError(
            f"cannot read `{path}`: {error.strerror or error}", hint=HINT
        ) from error
    except (ValueError, csv.Error) as error:
        raise UsageError(f"`{path}` is no CSV file: {error}", hint=HINT) from error
    missing = [name for name in columns if name not in (table.fieldnames or ())]
    if missing:
        raise UsageError(f"`{path}` has no column `{missing[0]}`", hint=HINT)
    return rows
