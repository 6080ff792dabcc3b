"""Split a text into phrases: "a cup of coffee on a table" is a cup, coffee and a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Words between phrases. What a phrase is made of never stands here.
_BETWEEN = frozenset(
    re.findall(
        r"\w+",
        "a an and are at behind beside by for from in into is near next of on onto or over some "
        "the this to two under with video videos clip clips picture pictures photo photos film",
    )
)


def phrases_of(text: str) -> list[str]:
    """Return the phrases of a text, in order.

    Example:
        >>> phrases_of("A cup of coffee, on the sports car")
        ['cup', 'coffee', 'sports car']
        >>> phrases_of("of the")
        []
    """
    phrases: list[list[str]] = [[]]
    for word in re.findall(r"[^\W_]+(?:['-][^\W_]+)*|[,;.]", text.lower()):
        if word in _BETWEEN or word in ",;.":
            phrases.append([])
        else:
            phrases[-1].append(word)
    return [" ".join(words) for words in phrases if words]


def parts_of(phrase: str) -> Iterator[str]:
    """Yield a phrase, then its endings and then its beginnings, the longest first.

    Example:
        >>> list(parts_of("red sports car"))
        ['red sports car', 'sports car', 'car', 'red sports', 'red']
    """
    words = phrase.split()
    for start in range(len(words)):
        yield " ".join(words[start:])
    for end in range(len(words) - 1, 0, -1):
        yield " ".join(words[:end])
