"""Synonyms of a word in WordNet, where it has one meaning only: "sofa" is a "couch"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .class_names import stems


@dataclass(frozen=True, slots=True)
class WordEntry:
    """One meaning of WordNet.

    Attributes:
        names: All its names.
        definition: Its gloss.
    """

    names: tuple[str, ...]
    definition: str


def only_meaning(word: str) -> WordEntry | None:
    """Return the one meaning of a word, ``None`` if there is none or several.

    Source: the 21,843 nouns of ImageNet-21k, as timm has them.

    Example:
        >>> only_meaning("sofas").names
        ('sofa', 'couch', 'lounge')
        >>> only_meaning("crane") is None  # a bird and a machine
        True
    """
    found = _entries().get(stems(word), ())
    return found[0] if len(found) == 1 else None


def other_names(word: str, entry: WordEntry) -> list[str]:
    """Return the names of a meaning beside the word itself."""
    return [name for name in entry.names if stems(name) != stems(word)]


@lru_cache(maxsize=1)
def _entries() -> dict[tuple[str, ...], list[WordEntry]]:
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo("imagenet-21k-goog")
    entries: dict[tuple[str, ...], list[WordEntry]] = {}
    for number in range(info.num_classes()):
        names, _, definition = info.index_to_description(number, detailed=True).partition(": ")
        entry = WordEntry(tuple(names.split(", ")), definition)
        for key in {stems(name) for name in entry.names}:
            entries.setdefault(key, []).append(entry)
    return entries
