"""Text of a list as programs write it: its encoding, and how its header is separated."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

from ..errors import UsageError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = {  # UTF-32 begins like UTF-16
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_TOLD = re.compile(r'\s*"?sep=(.)\1*"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListText:
    """The text of a list.

    Attributes:
        text: Bytes that are no UTF-8 are surrogates, as in ``os.fsdecode``.
        encoding: How it was read, for messages.
    """

    text: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Header:
    """The line that names a table's columns.

    Attributes:
        line: Its number in the file.
        columns: Their names as written.
        separator: The character between them.
    """

    line: int
    columns: tuple[str, ...]
    separator: str

    @property
    def separator_name(self) -> str:
        """The separator in words."""
        return SEPARATORS.get(self.separator, f"`{self.separator}`")


def decode_list(data: bytes, *, where: str) -> ListText:
    """Decode a list: UTF-8, UTF-16 or UTF-32 with or without a byte order mark, or 8 bits a letter.

    Raises:
        UsageError: If it is UTF-16 or UTF-32 and cut off or altered.

    Example:
        >>> decode_list("path;split".encode("utf-16"), where="x").text
        'path;split'
    """
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS.get(mark) or _unmarked(data)
    data = data[len(mark) :]
    if encoding == "utf-8":
        text = data.decode("utf-8", "surrogateescape")
        escaped = any("\udc80" <= letter <= "\udcff" for letter in text)
        return ListText(text, "Windows-1252" if escaped else "UTF-8")
    name = encoding.upper().removesuffix("-LE").removesuffix("-BE")
    try:
        return ListText(data.decode(encoding), name)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{where} is {name} and breaks off at byte {error.start + len(mark)}",
            hint="save it again, as CSV in UTF-8",
        ) from error


def split_header(text: str, key: str) -> Header:
    r"""Find the first line that is not blank, and the separator that gives it a column ``key``.

    A line such as ``sep=;`` before it tells the separator.

    Args:
        text: The table.
        key: Name of a column that must be there, whatever its case.

    Returns:
        The header; without such a column as the separator gives it that gives most columns.

    Example:
        >>> split_header('sep=;\n"Path";Label\n', "path")
        Header(line=2, columns=('Path', 'Label'), separator=';')
    """
    told = ""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if found := _TOLD.fullmatch(line):
            told = found[1]
        elif line.strip(' \t\r\n,;|"'):
            return _header(number, line, told or "".join(SEPARATORS), key)
    return Header(1, (), ",")


def _header(number: int, line: str, separators: str, key: str) -> Header:
    cells = {mark: _cells(line, mark) for mark in separators}
    fits = [mark for mark in cells if key in [c.strip().casefold() for c in cells[mark]]]
    best = max(fits or cells, key=lambda mark: len(cells[mark]))
    return Header(number, tuple(cells[best]), best)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]


def _unmarked(data: bytes) -> str:
    """Tell UTF-16 without a mark by the zeros beside its first letters."""
    if len(data) > 1 and 0 in data[:2]:
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    return "utf-8"
