"""Synonyms of a word in WordNet, where it has one meaning only: "sofa" is a "couch"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .class_names import stems, wordnet_entries


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
    entries: dict[tuple[str, ...], list[WordEntry]] = {}
    for names, definition in wordnet_entries("imagenet-21k-goog"):
        entry = WordEntry(tuple(names), definition)
        for key in {stems(name) for name in names}:
            entries.setdefault(key, []).append(entry)
    return entries
