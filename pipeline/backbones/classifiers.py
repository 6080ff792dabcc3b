"""The backbones whose own classifier is known, by name."""

from __future__ import annotations

from collections.abc import Callable

from .lite0_classifier import NAME, ClassifierFacts, lite0_classifier

CLASSIFIERS: dict[str, Callable[[], ClassifierFacts]] = {NAME: lite0_classifier}
