"""Why a library refused a file, in one line that is safe to print."""

from __future__ import annotations

from ..console import printable

_LENGTH = 200  # characters


def reason_of(error: BaseException) -> str:
    r"""Return an error's text on one line, shortened, its control characters escaped.

    >>> reason_of(ValueError("no such\n  node \x1b[2J"))
    'no such node \\x1b[2J'
    """
    return printable(" ".join(str(error).split())[:_LENGTH])
