"""Printable names, counts, rates, sizes and durations."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence


def format_rate(per_second: float) -> str:
    """Write a rate in the unit that leaves digits to read: per second, minute or hour.

    >>> [format_rate(rate) for rate in (250.0, 2.0, 0.25, 0.05, 0.001)]
    ['250/s', '2.0/s', '15/min', '3.0/min', '3.6/h']
    """
    for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
        rate = per_second * seconds
        if rate >= 0.95 or unit == "h":
            break
    return f"{rate:.{1 if rate < 9.95 else 0}f}/{unit}"


def counted(count: int, noun: str) -> str:
    """Write a number of things, the noun in singular or plural.

    >>> counted(1, "row"), counted(0, "video"), counted(2, "copy"), counted(3, "process")
    ('1 row', '0 videos', '2 copies', '3 processes')
    """
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def format_duration(seconds: float) -> str:
    """Write a span of time with its two largest units.

    >>> format_duration(45.2), format_duration(61), format_duration(7322), format_duration(90061)
    ('45 s', '1 min 1 s', '2 h 2 min', '25 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_size(count: float) -> str:
    """Write a number of bytes with three digits.

    >>> format_size(512), format_size(64_000), format_size(999_600), format_size(12_345_678)
    ('512 B', '64.0 kB', '1.00 MB', '12.3 MB')
    """
    if count < 999.5:
        return f"{count:.3g} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{_three_digits(count)} {unit}"
    return f"{_three_digits(count / 1000)} TB"


def printable(path: bytes | str | os.PathLike[str]) -> str:
    r"""Return a name as one printable line: control characters and undecodable bytes are escaped.

    Args:
        path: A path, its text, or ``os.fsencode`` of it.

    Example:
        >>> print(printable(b"caf\xc3\xa9\n\xff.mp4"))
        café\n\xff.mp4
    """
    name = path if isinstance(path, bytes) else os.fspath(path)
    with contextlib.suppress(UnicodeEncodeError):  # half a surrogate pair, which no path can hold
        name = os.fsencode(name)
    text = name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def from_here(path: str | os.PathLike[str]) -> str:
    """Return a path as seen from the working folder, if it is below that; else as it is."""
    name, here = os.fspath(path), os.path.join(os.getcwd(), "")
    return name.removeprefix(here) if len(name) > len(here) else name


def some_names(paths: Sequence[bytes], most: int = 3) -> str:
    """Name the first of some paths.

    >>> some_names([b"a.mp4", b"b.mp4"]), some_names([b"a", b"b", b"c", b"d"])
    ('`a.mp4`, `b.mp4`', '`a`, `b`, `c` ...')
    """
    named = ", ".join(f"`{printable(path)}`" for path in paths[:most])
    return f"{named} ..." if len(paths) > most else named


def shortened(text: str, length: int) -> str:
    """Cut the middle out of a text that is too long; its end tells more than its middle.

    >>> shortened("holiday/beach/clip-0001.mp4", 15)
    'holid…-0001.mp4'
    """
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 5
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def _three_digits(number: float) -> str:
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f}"
