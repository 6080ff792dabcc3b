"""Parse sizes (`500MB`) and durations (`30m`) given on the command line."""

from __future__ import annotations

import re

from chainpipe.pipeline.errors import UsageError

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def parse_size(text: str, *, option: str) -> int:
    """Parse a size such as ``500MB``, ``1.5 GB`` or ``2000000`` to bytes.

    Args:
        text: The size.
        option: Name of the option, for the message.

    Raises:
        UsageError: If the text is not a size, or less than a byte.

    Example:
        >>> parse_size("1.5GB", option="--memory"), parse_size("200", option="--memory")
        (1500000000, 200)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", text.strip())
    unit = _UNITS.get(found[2].upper()) if found else None
    count = int(float(found[1]) * unit) if found and unit else 0
    if count < 1:
        raise UsageError(f"`{option} {text}` is not a size", hint="write it as `500MB` or `2GB`")
    return count


def parse_duration(text: str, *, option: str) -> float:
    """Parse a duration such as ``90s``, ``30m``, ``1.5h`` or ``600`` to seconds.

    Args:
        text: The duration.
        option: Name of the option, for the message.

    Raises:
        UsageError: If the text is not a duration, or not above 0.

    Example:
        >>> [parse_duration(text, option="--time-limit") for text in ("1.5h", "30 m", "90")]
        [5400.0, 1800.0, 90.0]
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    seconds = float(found[1]) * _SECONDS[found[2]] if found else 0.0
    if seconds <= 0:
        raise UsageError(f"`{option} {text}` is not a duration", hint="write it as `30m` or `2h`")
    return seconds
