"""Words for EfficientNet-Lite0: its own classifier holds 1,000 words in feature space.

Idea: a text becomes weights of the classes (:mod:`.known_words`), and the weighted sum of the
classifier's weight vectors is its direction among the features. [ours]
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ..efficientnet_lite0 import WEIGHTS_SHA256
from ..lite0_classifier import NAME, lite0_classifier
from ..weights import cached
from .base import F32, TextMatch
from .known_words import KNOWN, WordMeaning, meaning_by_synonyms, meanings
from .phrases import endings_of, phrases_of

NEAREST = 3


class Lite0Text:
    """Words in the feature space of EfficientNet-Lite0 (D = 1280)."""

    unit_length = False

    def __init__(self) -> None:
        self._directions = _class_directions()

    def match(self, texts: Sequence[str]) -> list[TextMatch]:
        """Return the directions of some texts: the mean over their known phrases."""
        return [self._match(text) for text in texts]

    def _match(self, text: str) -> TextMatch:
        weights: list[npt.NDArray[np.float64]] = []
        unknown: list[str] = []
        nearest: list[str] = []
        for phrase in phrases_of(text):
            meaning = _first_known(phrase)
            nearest += meaning.nearest[:NEAREST]
            if meaning.known >= KNOWN:
                weights.append(meaning.weights)
            else:
                unknown.append(phrase)
        if not weights:
            return TextMatch(text, None, tuple(unknown), tuple(dict.fromkeys(nearest)))
        direction = np.mean(weights, axis=0) @ self._directions
        return TextMatch(
            text, direction.astype(np.float32), tuple(unknown), tuple(dict.fromkeys(nearest))
        )


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


def _first_known(phrase: str) -> WordMeaning:
    """Return the meaning of the longest known ending of a phrase, else of the whole phrase."""
    endings = list(endings_of(phrase))
    found = meanings(endings)
    for ending, one in zip(endings, found, strict=True):
        known = one if one.known >= KNOWN else meaning_by_synonyms(ending)
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
