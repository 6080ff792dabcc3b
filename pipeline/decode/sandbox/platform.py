"""Limits of a decode child that the operating system does not support."""

from __future__ import annotations

import sys


def missing_limits(platform: str = sys.platform) -> str | None:
    """Return a warning about limits that do not exist here, or ``None`` where all of them do.

    >>> missing_limits("linux") is None
    True
    """
    if platform == "linux":
        return None
    return (
        f"weaker sandbox on `{platform}`: the memory of a decoding process is not limited, and it"
        " ends up to a second after its parent; CPU time, files and silence are limited as on Linux"
    )
