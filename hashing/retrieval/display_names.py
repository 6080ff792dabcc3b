"""Names as people may read them: any byte a path can hold becomes printable, and none is lost."""

from __future__ import annotations

import os
from contextlib import suppress


def shown(path: bytes | str) -> str:
    r"""Return a path as one printable line; what cannot be printed is escaped.

    Args:
        path: ``os.fsencode`` of a path, or its text.

    Example:
        >>> print(shown(b"caf\xc3\xa9\n\xff.mp4"))
        café\n\xff.mp4
    """
    with suppress(UnicodeEncodeError):  # half a surrogate pair, which no path can hold
        path = os.fsencode(path)
    text = path if isinstance(path, str) else path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, length: int) -> str:
    """Cut the middle out of a text that is too long; its end tells more than its middle.

    >>> shortened("holiday/beach/clip-0001.mp4", 15)
    'holid…-0001.mp4'
    """
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 5
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"
