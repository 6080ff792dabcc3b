"""The backbones whose own classifier is known, by name and size."""

from __future__ import annotations

from collections.abc import Callable

from .lite0_classifier import DIM, NAME, ClassifierFacts, lite0_classifier

# By name of the backbone and size of its features.
CLASSIFIERS: dict[tuple[str, int], Callable[[], ClassifierFacts]] = {(NAME, DIM): lite0_classifier}
