"""The config keys that a mistyped one may have meant: section and key are compared apart."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

LEAST_KEY = 0.6  # likeness of the key, 0 to 1, below which nothing is suggested
LEAST_SECTION = 0.5  # likeness of the section, likewise, where the key is not exactly right
_ABBREVIATED = 0.95  # likeness of `temp` and `temperature`


def nearest_keys(path: str, names: Sequence[str], *, most: int = 3) -> list[str]:
    """Return the keys that are most like a path, several only if equally so.

    The key counts before the section, and either may be abbreviated. Without a section, the key
    alone counts.

    Args:
        path: What was typed, such as ``contrastiv.temp``.
        names: Every ``section.key``.
        most: How many at most.

    Example:
        >>> names = ["contrastive.warmup", "contrastive.temperature", "similarity.temperature"]
        >>> nearest_keys("contrastiv.temp", names)
        ['contrastive.temperature']
        >>> nearest_keys("temperature", names)
        ['contrastive.temperature', 'similarity.temperature']
    """
    section, dot, key = path.strip().lower().rpartition(".")
    scores: dict[str, float] = {}
    for name in names:
        its_section, _, its_key = name.partition(".")
        by_key = likeness(key, its_key)
        by_section = likeness(section, its_section) if dot else 1.0
        if by_key >= LEAST_KEY and (by_section >= LEAST_SECTION or by_key == 1.0):
            scores[name] = by_key + by_section
    best = max(scores.values(), default=0.0)
    return [name for name, score in scores.items() if score == best][:most]


def likeness(typed: str, name: str) -> float:
    """Return how like two words are, 0 to 1; the beginning of a word is almost the word.

    >>> likeness("temp", "temperature"), likeness("epoch", "epochs"), likeness("x", "epochs")
    (0.95, 0.95, 0.0)
    """
    if typed == name:
        return 1.0
    if len(typed) > 1 and name.startswith(typed):
        return _ABBREVIATED
    return SequenceMatcher(None, typed, name, autojunk=False).ratio()
