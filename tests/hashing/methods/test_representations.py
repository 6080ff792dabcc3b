"""Representations beside binary codes: their bytes, and their distances by plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.methods.representations.base import HashCodes, Representation
from chainpipe.hashing.methods.representations.floats import fit_cosine, fit_pca_numbers
from chainpipe.hashing.methods.representations.quantizers import RabitqCodes, fit_product_codes
from chainpipe.hashing.methods.representations.signs import fit_signs

RNG = np.random.default_rng(0)
MEANS = (RNG.normal(size=(300, 4)) @ RNG.normal(size=(4, 24)) + RNG.normal(size=24)).astype("f4")
VIDEOS = MEANS[:, None]  # one frame each
QUERIES = VIDEOS[:7] + np.float32(0.01)


def cosines(queries: np.ndarray, database: np.ndarray) -> np.ndarray:
    """Cosine of every pair, one at a time."""
    return np.array(
        [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in database] for a in queries]
    )


def test_all_features_are_compared_by_the_centred_cosine() -> None:
    fitted = fit_cosine(MEANS)
    stored = fitted.store(VIDEOS)
    assert stored.shape == (300, 4 * 24)
    centre = MEANS.mean(axis=0)
    expected = 1 - cosines(QUERIES[:, 0] - centre, MEANS - centre)
    assert fitted.distances(QUERIES, stored) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("kind", "size", "error"), [("int8", 4, 0.02), ("float16", 8, 1e-3)])
def test_pca_numbers_keep_the_distances_of_features_of_their_rank(
    kind: str, size: int, error: float
) -> None:
    fitted = fit_pca_numbers(MEANS, size, kind)  # type: ignore[arg-type]
    stored = fitted.store(VIDEOS)
    assert stored.shape == (300, size)
    centre = MEANS.mean(axis=0)
    plain = 1 - cosines(QUERIES[:, 0] - centre, MEANS - centre)  # rank 4: nothing is cut off
    assert np.abs(fitted.distances(QUERIES, stored) - plain).mean() < error


def test_missing_components_are_zeros() -> None:
    fitted = fit_pca_numbers(MEANS, 16, "int8")
    stored = fitted.store(VIDEOS)
    assert stored.shape == (300, 16)
    assert not stored[:, 5:].any()


def test_product_codes_have_the_distances_to_the_decoded_vectors() -> None:
    fitted = fit_product_codes(MEANS, 5, seed=0)  # 24 features are padded to 25
    stored = fitted.store(VIDEOS)
    assert stored.shape == (300, 5)
    decoded = fitted._quantizer.decode(stored)
    vectors = fitted._vectors(QUERIES)
    plain = ((vectors[:, None] - decoded[None]) ** 2).sum(axis=2)
    assert fitted.distances(QUERIES, stored) == pytest.approx(plain, abs=1e-4)


def test_product_codes_need_a_video_a_centroid() -> None:
    with pytest.raises(ValueError, match="255 training videos"):
        fit_product_codes(MEANS[:255], 4, seed=0)


def test_rabitq_estimates_the_squared_distance() -> None:
    fitted = RabitqCodes(MEANS, seed=0)
    stored = fitted.store(VIDEOS)
    assert stored.shape == (300, 24 // 8 + 8)
    centre = MEANS.mean(axis=0)
    exact = 2 - 2 * cosines(QUERIES[:, 0] - centre, MEANS - centre)
    found = fitted.distances(QUERIES, stored)
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.9
    again = fitted.distances(QUERIES[:1], stored[:50])  # another database
    assert again == pytest.approx(found[:1, :50], abs=1e-4)


@pytest.mark.parametrize("fitted", [fit_cosine(MEANS), fit_pca_numbers(MEANS, 4, "int8")])
def test_a_video_finds_itself_first(fitted: Representation) -> None:
    found = fitted.distances(VIDEOS, fitted.store(VIDEOS))
    assert (found.argmin(axis=1) == np.arange(300)).mean() > 0.95


def test_plain_signs_of_features_after_a_relu_are_all_ones() -> None:
    """The trap: without centring every code is the same, so all distances are 0."""
    relu = np.maximum(MEANS, 0)[:, None]
    plain = HashCodes(fit_signs(relu[:, 0], centred=False))
    assert not plain.distances(relu, plain.store(relu)).any()
    assert (plain.store(relu) == 255).all()
    centred = HashCodes(fit_signs(relu[:, 0]))
    assert len(np.unique(centred.store(relu), axis=0)) > 100
