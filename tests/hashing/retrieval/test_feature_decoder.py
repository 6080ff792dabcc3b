"""The decoder from codes to mean features: against scikit-learn's ridge regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from chainpipe.hashing.retrieval.asymmetric import search_asymmetric
from chainpipe.hashing.retrieval.bitpack import pack
from chainpipe.hashing.retrieval.feature_decoder import RIDGE, fit_decoder


def samples(
    videos: int = 300, bits: int = 12, dim: int = 20
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(videos, 6)) @ rng.normal(size=(6, dim)) + 3
    codes = means @ rng.normal(size=(dim, bits)) >= 3
    return pack(codes), means.astype(np.float32), np.where(codes, 1.0, -1.0)


def test_it_is_ridge_regression_whatever_the_blocks() -> None:
    packed, means, signs = samples()
    plain = Ridge(alpha=RIDGE).fit(signs, means)
    for size in (300, 7):
        blocks = [(packed[i : i + size], means[i : i + size]) for i in range(0, 300, size)]
        found = fit_decoder(blocks, 12)
        np.testing.assert_allclose(found.weights, plain.coef_.T, atol=1e-4)


def test_answers_follow_the_estimated_features() -> None:
    packed, means, signs = samples()
    decoder = fit_decoder([(packed, means)], 12)
    direction = np.random.default_rng(1).normal(size=(1, 20)).astype(np.float32)
    values = decoder.values(direction)
    _, rows = search_asymmetric(values, packed, 12, k=20)
    scores = signs @ decoder.weights @ direction[0]
    best = np.sort(scores)[::-1][:20]
    np.testing.assert_allclose(scores[rows[0]], best, atol=1e-2)


def test_no_video_is_no_decoder() -> None:
    with pytest.raises(ValueError, match="at least one video"):
        fit_decoder([], 8)
