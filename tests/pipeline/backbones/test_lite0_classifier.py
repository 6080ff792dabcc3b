"""Facts of the classifier: its directions, and the typical feature by the closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm

from chainpipe.pipeline.backbones.efficientnet_lite0 import weights_file
from chainpipe.pipeline.backbones.lite0_classifier import ClassifierFacts, lite0_classifier


@pytest.fixture(scope="module")
def facts() -> ClassifierFacts:
    return lite0_classifier()


def test_directions_are_the_weight_vectors_without_their_mean(facts: ClassifierFacts) -> None:
    weights = torch.load(weights_file(), weights_only=True)["_fc.weight"].double().numpy()
    assert facts.directions.shape == (1000, 1280)
    np.testing.assert_allclose(facts.directions.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(facts.directions, axis=0), np.diff(weights, axis=0))


def test_the_typical_feature_is_the_mean_of_a_clipped_gaussian(facts: ClassifierFacts) -> None:
    weights = torch.load(weights_file(), weights_only=True)
    middle = weights["_bn1.bias"].double().numpy()
    spread = np.abs(weights["_bn1.weight"].double().numpy())
    low, high = -middle / spread, (6 - middle) / spread
    inside = middle * (norm.cdf(high) - norm.cdf(low)) + spread * (norm.pdf(low) - norm.pdf(high))
    np.testing.assert_allclose(facts.mean, inside + 6 * norm.sf(high), atol=5e-3)
    assert (facts.mean >= 0).all()
