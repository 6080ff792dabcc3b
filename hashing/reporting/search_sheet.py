"""Search results as a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.console import counted, printable

from ..retrieval.answers import Found, FoundVideo
from ..retrieval.codes import Codes
from .contact_sheet import TILE, SheetRow, Tile, Verdict, draw_sheet, write_sheet

Picture = npt.NDArray[np.uint8] | None
Thumbnails = Callable[[Sequence[Path], int], list[Picture]]


def draw(
    path: Path,
    found: Sequence[Found],
    codes: Codes,
    path_of: Callable[[int], Path],
    *,
    method: str,
    thumbnails: Thumbnails,
) -> None:
    """Draw the contact sheet of a search.

    Args:
        path: The PNG file.
        found: Queries and answers.
        codes: The searched codes, N rows.
        path_of: Returns the file of a row.
        method: Method of the model, for the title.
        thumbnails: Returns a small picture of each video file.

    Raises:
        StorageError: If the file cannot be written.
    """
    files = sorted({file for one in found for file in _files(one, path_of)})
    pictures = dict(zip(files, thumbnails(files, 2 * TILE[0]), strict=True))
    rows = [_sheet_row(one, codes, path_of, pictures) for one in found]
    title = f"{method}, {counted(codes.bits, 'bit')}: nearest of {counted(len(codes), 'video')}"
    write_sheet(path, draw_sheet(rows, title=title))


def _files(one: Found, path_of: Callable[[int], Path]) -> list[Path]:
    return [_query_file(one, path_of), *(path_of(answer.row) for answer in one.answers)]


def _query_file(one: Found, path_of: Callable[[int], Path]) -> Path:
    return one.query.file if one.query.file is not None else path_of(one.query.rows[0])


def _sheet_row(
    one: Found,
    codes: Codes,
    path_of: Callable[[int], Path],
    pictures: dict[Path, Picture],
) -> SheetRow:
    row = one.query.rows[0] if one.query.rows else None
    name = one.query.text if row is None else printable(codes.paths[row])
    tiles = [
        Tile(
            pictures[path_of(answer.row)],
            _caption(answer),
            printable(codes.paths[answer.row]),
            _verdict(codes, row, answer.row),
        )
        for answer in one.answers
    ]
    headline = _headline([tile.verdict for tile in tiles])
    query = Tile(pictures[_query_file(one, path_of)], headline, name, "query")
    return SheetRow(query, tiles)


def _caption(answer: FoundVideo) -> str:
    """Return what stands above an answer.

    >>> _caption(FoundVideo(1, 7, 12.0, 0.6, "similar")), _caption(FoundVideo(1, 7, 0.25, 0.75))
    ('distance 12, similar', 'distance 0.25')
    """
    word = f", {answer.text}" if answer.text else ""
    return f"distance {answer.distance:g}{word}"


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
