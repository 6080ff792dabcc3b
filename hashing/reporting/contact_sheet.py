"""Contact sheet: a query in each row and its answers beside it, relevant ones framed green."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from chainpipe.pipeline.console import printable, shortened

from .figures import write_png

Verdict = Literal["query", "right", "wrong", "unknown"]
TILE = (200, 200)  # pixels of one picture: width, height
GAP, MARGIN, FRAME, CAPTION = 20, 36, 5, 52
MIN_COLUMNS, MAX_COLUMNS = 3, 5  # answers in one line
PAPER, INK, FAINT, EMPTY = "#ffffff", "#1f2328", "#656d76", "#eceff2"
COLOURS: dict[Verdict, str] = {
    "query": "#1f2328",
    "right": "#1a9850",
    "wrong": "#d73027",
    "unknown": "#b0b8c0",
}
MARKS: dict[Verdict, str] = {"query": "", "right": "✓", "wrong": "✗", "unknown": ""}


@dataclass(frozen=True, slots=True)
class Tile:
    """One thumbnail of the sheet with its caption.

    Attributes:
        picture: RGB image, (height, width, 3) uint8, or ``None`` if the video cannot be read.
        headline: Bold line of the caption, such as ``distance 3``.
        name: Second line of the caption: a path.
        verdict: Selects the colour of the frame.
    """

    picture: npt.NDArray[np.uint8] | None
    headline: str
    name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A query and its answers, nearest first."""

    query: Tile
    answers: Sequence[Tile]


def draw_sheet(rows: Sequence[SheetRow], *, title: str) -> Image.Image:
    """Draw a contact sheet as an RGB image.

    Args:
        rows: One query each.
        title: Line above the rows.

    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError("a sheet needs at least one query")
    columns = min(MAX_COLUMNS, max(MIN_COLUMNS, *(len(row.answers) for row in rows)))
    lines = [max(1, -(-len(row.answers) // columns)) for row in rows]
    step_x, step_y = TILE[0] + GAP, TILE[1] + CAPTION + GAP
    width = 2 * MARGIN + (columns + 1) * step_x
    head = MARGIN + 44
    sheet = Image.new("RGB", (width, head + sum(lines) * step_y + MARGIN // 2), PAPER)
    _write_head(sheet, title, rows)
    top = head
    for row, count in zip(rows, lines, strict=True):
        _draw_row(sheet, row, top, columns)
        top += count * step_y
    return sheet


def write_sheet(path: Path, sheet: Image.Image) -> None:
    """Write the sheet as PNG, atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    content = io.BytesIO()
    sheet.save(content, format="PNG", optimize=True)
    write_png(path, content.getvalue())


def _write_head(sheet: Image.Image, title: str, rows: Sequence[SheetRow]) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN - 12), title, fill=INK, font=_font(20, bold=True))
    verdicts = {tile.verdict for row in rows for tile in row.answers}
    legend: list[tuple[Verdict, str]] = [("right", "same label"), ("wrong", "other label")]
    left = sheet.width - MARGIN
    for verdict, words in reversed(legend):
        if verdict in verdicts:
            left -= int(draw.textlength(words, font=_font(15)))
            draw.text((left, MARGIN - 8), words, fill=FAINT, font=_font(15))
            left -= 24
            box = (left, MARGIN - 6, left + 16, MARGIN + 10)
            draw.rectangle(box, outline=COLOURS[verdict], width=4)
            left -= 28


def _draw_row(sheet: Image.Image, row: SheetRow, top: int, columns: int) -> None:
    step_x, step_y = TILE[0] + GAP, TILE[1] + CAPTION + GAP
    _draw_tile(sheet, row.query, MARGIN, top)
    start = MARGIN + step_x + GAP
    bar = start - GAP - 1
    lines = max(1, -(-len(row.answers) // columns))
    end = top + lines * step_y - GAP
    ImageDraw.Draw(sheet).line((bar, top, bar, end), fill=COLOURS["unknown"], width=2)
    for i, tile in enumerate(row.answers):
        _draw_tile(sheet, tile, start + i % columns * step_x, top + i // columns * step_y)


def _draw_tile(sheet: Image.Image, tile: Tile, left: int, top: int) -> None:
    draw = ImageDraw.Draw(sheet)
    box = (left, top, left + TILE[0] - 1, top + TILE[1] - 1)
    draw.rectangle(box, fill=EMPTY)
    if tile.picture is None:
        middle = (left + TILE[0] // 2, top + TILE[1] // 2)
        draw.text(middle, "no picture", fill=FAINT, font=_font(15), anchor="mm")
    else:
        picture = _fitted(tile.picture)
        x = left + (TILE[0] - picture.width) // 2
        sheet.paste(picture, (x, top + (TILE[1] - picture.height) // 2))
    draw.rectangle(box, outline=COLOURS[tile.verdict], width=FRAME)
    below = top + TILE[1]
    draw.text((left, below + 6), tile.headline, fill=INK, font=_font(16, bold=True))
    mark, right = MARKS[tile.verdict], left + TILE[0]
    draw.text((right, below + 4), mark, COLOURS[tile.verdict], _font(18, bold=True), anchor="ra")
    draw.text((left, below + 28), _fitting(draw, tile.name), fill=FAINT, font=_font(14))


def _fitted(picture: npt.NDArray[np.uint8]) -> Image.Image:
    """Scale a picture to fit inside the frame of a tile; its aspect ratio is kept."""
    image = Image.fromarray(picture)
    room = TILE[0] - 2 * FRAME, TILE[1] - 2 * FRAME
    scale = min(room[0] / image.width, room[1] / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _fitting(draw: ImageDraw.ImageDraw, name: str) -> str:
    """Shorten a name to the width of a tile."""
    text = printable(name)
    for length in range(len(text), 0, -1):
        short = shortened(text, length)
        if draw.textlength(short, font=_font(14)) <= TILE[0]:
            return short
    return ""


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    import matplotlib  # ships DejaVu: the same font on every machine

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)
