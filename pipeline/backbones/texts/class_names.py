"""The 1,000 classes of ImageNet: their names and definitions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

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
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo("imagenet-1k")
    classes = []
    for number, short in enumerate(IMAGENET_CLASSNAMES):
        names, _, definition = info.index_to_description(number, detailed=True).partition(": ")
        plain = short.partition(" (")[0]
        classes.append(ImageClass(plain, (*names.split(", "), plain), definition))
    assert len(classes) == CLASSES
    return tuple(classes)


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
