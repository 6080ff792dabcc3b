"""Search results as a contact sheet."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import counted, printable

from ..retrieval.codes import Codes
from .contact_sheet import TILE, SheetRow, Tile, Verdict, draw_sheet, write_sheet
from .search_results import Found

Picture = npt.NDArray[np.uint8] | None
Thumbnails = Callable[[Sequence[Path], int], list[Picture]]


def draw(
    path: Path,
    found: Sequence[Found],
    codes: Codes,
    root: Path,
    *,
    method: str,
    thumbnails: Thumbnails,
) -> None:
    """Draw the contact sheet of a search.

    Args:
        path: The PNG file.
        found: Queries and answers.
        codes: The searched codes, N rows.
        root: Folder that the store's paths are relative to.
        method: Method of the model, for the title.
        thumbnails: Returns a small picture of each video file.

    Raises:
        StorageError: If the file cannot be written.
    """
    files = sorted({file for one in found for file in _files(one, codes, root)})
    pictures = dict(zip(files, thumbnails(files, 2 * TILE[0]), strict=True))
    rows = [_sheet_row(one, codes, root, pictures) for one in found]
    title = f"{method}, {counted(codes.bits, 'bit')}: nearest of {counted(len(codes), 'video')}"
    write_sheet(path, draw_sheet(rows, title=title))


def _files(one: Found, codes: Codes, root: Path) -> list[Path]:
    return [_query_file(one, codes, root), *(_file(a.row, codes, root) for a in one.answers)]


def _query_file(one: Found, codes: Codes, root: Path) -> Path:
    if one.query.file is not None:
        return one.query.file
    return _file(one.query.rows[0], codes, root)


def _file(row: int, codes: Codes, root: Path) -> Path:
    return root / os.fsdecode(codes.paths[row])


def _sheet_row(one: Found, codes: Codes, root: Path, pictures: dict[Path, Picture]) -> SheetRow:
    row = one.query.rows[0] if one.query.rows else None
    name = one.query.text if row is None else printable(codes.paths[row])
    tiles = [
        Tile(
            pictures[_file(answer.row, codes, root)],
            f"distance {answer.distance}",
            printable(codes.paths[answer.row]),
            _verdict(codes, row, answer.row),
        )
        for answer in one.answers
    ]
    headline = _headline([tile.verdict for tile in tiles])
    query = Tile(pictures[_query_file(one, codes, root)], headline, name, "query")
    return SheetRow(query, tiles)


def _headline(verdicts: Sequence[Verdict]) -> str:
    """Say under a query how many of its answers are right, where labels can tell of any.

    >>> _headline(["right", "wrong", "right"]), _headline(["unknown"])
    ('query: 2 of 3 right', 'query')
    """
    told = [verdict for verdict in verdicts if verdict != "unknown"]
    return f"query: {told.count('right')} of {len(told)} right" if told else "query"


def _verdict(codes: Codes, query: int | None, answer: int) -> Verdict:
    """Return whether an answer shares a label with the query; unknown without labels."""
    if query is None or not codes.labels[query].any() or not codes.labels[answer].any():
        return "unknown"
    return "right" if (codes.labels[query] & codes.labels[answer]).any() else "wrong"
