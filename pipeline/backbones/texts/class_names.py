"""The 1,000 classes of ImageNet: their names and definitions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from ..weights import cached

CLASSES = 1000
LONGEST_KEPT = 3  # letters of a word that keeps its ending


@dataclass(frozen=True, slots=True)
class ImageClass:
    """One class.

    Attributes:
        name: Its short name.
        names: All names, the short one last.
        definition: A gloss of WordNet.
    """

    name: str
    names: tuple[str, ...]
    definition: str


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[ImageClass, ...]:
    """Return the classes in the order of a classifier's outputs.

    Source: synonyms and definitions of WordNet 3.0, as timm has them; short names by OpenAI, as
    open_clip has them.
    """

    def made() -> bytes:
        from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

        return json.dumps(list(IMAGENET_CLASSNAMES)).encode()

    entries = wordnet_entries("imagenet-1k")
    known = json.loads(cached(f"imagenet-names-{version('open_clip_torch')}.json", made))
    shorts = [name.partition(" (")[0] for name in known]
    assert len(shorts) == len(entries) == CLASSES
    return tuple(
        ImageClass(short, (*names, short), definition)
        for short, (names, definition) in zip(shorts, entries, strict=True)
    )


def wordnet_entries(classes: str) -> list[tuple[list[str], str]]:
    """Return names and definition of each class of a set, from the cache if they are there.

    The packages that have them import torch, which takes seconds.

    Args:
        classes: timm's name of the set, such as ``imagenet-1k``.
    """

    def made() -> bytes:
        from timm.data.imagenet_info import ImageNetInfo

        info: Any = ImageNetInfo(classes)
        numbers = range(info.num_classes())
        parts = [info.index_to_description(i, detailed=True).partition(": ") for i in numbers]
        return json.dumps([(names.split(", "), text) for names, _, text in parts]).encode()

    found = json.loads(cached(f"{classes}-words-{version('timm')}.json", made))
    return [(names, text) for names, text in found]


def stems(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without the endings of a plural.

    Example:
        >>> stems("Two Butterflies, boxes")
        ('two', 'butterfly', 'box')
        >>> stems("a horse") == stems("A horses")
        True
    """
    return tuple(_stem(word) for word in re.findall(r"[^\W_]+", text.lower()))


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > LONGEST_KEPT + 1:
        return word[:-3] + "y"
    for ending in ("s", "e"):  # "horse" and "horses" meet without their last e
        if word.endswith(ending) and len(word) > LONGEST_KEPT and word[-2] != ending:
            word = word[:-1]
    return word
