"""Words for EfficientNet-Lite0: its own classifier holds 1,000 words in feature space.

Idea: a text becomes weights of the classes (:mod:`.known_words`), and the weighted sum of the
classifier's weight vectors is its direction among the features. [ours]
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from ...errors import UsageError
from ..efficientnet_lite0 import WEIGHTS_SHA256
from ..lite0_classifier import NAME, lite0_classifier
from ..weights import cached
from .base import F32, TextMatch
from .known_words import KNOWN, WordMeaning, meaning_by_synonyms, meanings
from .phrases import parts_of, phrases_of


class Lite0Text:
    """Words in the feature space of EfficientNet-Lite0 (D = 1280)."""

    unit_length = False

    def __init__(self) -> None:
        self._directions = _class_directions()

    def match(self, texts: Sequence[str]) -> list[TextMatch]:
        """Return the directions of some texts: the mean over their known phrases."""
        return [self._match(text) for text in texts]

    def _match(self, text: str) -> TextMatch:
        found = {phrase: _best_part(phrase) for phrase in phrases_of(text)}
        unknown = tuple(phrase for phrase, one in found.items() if one.known < KNOWN)
        nearest = dict.fromkeys(name for one in found.values() for name in one.nearest)
        if not found:
            return TextMatch(text, None, known=False)
        known = len(unknown) < len(found)
        asking = [one.weights for one in found.values() if one.known >= KNOWN or not known]
        direction = (np.mean(asking, axis=0) @ self._directions).astype(np.float32)
        return TextMatch(text, direction, unknown, known, tuple(nearest))


def build_lite0_text(backbone: str, trust_weights: bool) -> Lite0Text:
    """Build the text side of the embedded backbone.

    Raises:
        UsageError: If it is another ``cnn:``, or a package is missing.
        DamageError: If the installed weights are not the published ones.
    """
    del trust_weights  # they come with the installation
    if backbone != NAME:
        raise UsageError(f"features of `{backbone}` know no words", hint=f"extract with `{NAME}`")
    return Lite0Text()


def _best_part(phrase: str) -> WordMeaning:
    """Return the meaning of the first known part of a phrase, else of the whole phrase."""
    parts = list(parts_of(phrase))
    found = meanings(parts)
    for part, one in zip(parts, found, strict=True):
        known = one if one.known >= KNOWN else meaning_by_synonyms(part)
        if known is not None:
            return known
    return found[0]


def _class_directions() -> F32:
    """Return the classifier's centred weight vectors, (1000, 1280), without torch if cached."""

    def made() -> bytes:
        file = io.BytesIO()
        np.save(file, lite0_classifier().directions.astype(np.float32))
        return file.getvalue()

    stored = cached(f"efficientnet-lite0-{WEIGHTS_SHA256[:16]}-classes-1.npy", made)
    directions: F32 = np.load(io.BytesIO(stored), allow_pickle=False)
    return directions
