"""General bits of the videos: PCA-ITQ of plain features, and bits of what it leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from chainpipe.hashing.methods.chain.general_hash import (
    general_hash,
    residual_directions,
    undo_map,
)
from chainpipe.hashing.methods.pca_itq import fit_pca_itq
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening


def features(count: int = 300, dim: int = 12, *, seed: int = 0) -> np.ndarray:
    """Vectors with a spectrum that falls, and skewed, so that no direction's sign is open."""
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(count, dim)) * 2.0 ** -np.arange(dim) @ rng.normal(size=(dim, dim))


@pytest.mark.parametrize("within", [0.0, 0.25])
def test_undone_inputs_have_the_distances_of_the_features(within: float) -> None:
    videos = features()[:, None] + 0.1 * np.random.default_rng(1).normal(size=(300, 5, 12))
    chunks = [videos] if within else [videos.reshape(-1, 12)]
    pca = fit_pca_whitening(chunks, dims=12, whitening=0.15, within=within)
    means = videos.mean(axis=1)
    undone = pca(means).astype(np.float64) @ undo_map(pca.matrix.astype(np.float64))
    np.testing.assert_allclose(pdist(undone), pdist(means), rtol=1e-3, atol=1e-4)


def test_without_a_residual_they_are_the_first_bits_of_plain_pca_itq() -> None:
    plain = features()
    projection = np.random.default_rng(2).normal(size=(12, 12))
    found = general_hash(plain @ projection, projection, bits=8, count=3, residual=0.0, seed=5)
    expected = fit_pca_itq(plain, 8, seed=5, frame_covariance=lambda: np.eye(12))
    np.testing.assert_allclose(
        found.project(plain @ projection), expected.project(plain)[:, :3], rtol=1e-2, atol=1e-2
    )


def test_residual_directions_see_nothing_of_the_chosen_ones() -> None:
    plain = features()
    centred = plain - plain.mean(axis=0)
    chosen = np.linalg.svd(centred, full_matrices=False)[2][:4].T
    found = residual_directions(centred, chosen, count=3, seed=0)
    assert found.shape == (12, 3)
    np.testing.assert_allclose(chosen.T @ found, 0, atol=1e-9 * np.abs(found).max())
    np.testing.assert_allclose(np.abs(centred @ found).mean(), 1, rtol=1e-5)


@pytest.mark.parametrize("count", [0, 4])
def test_where_nothing_is_asked_for_or_left_there_are_none(count: int) -> None:
    centred = features() - features().mean(axis=0)
    chosen = np.eye(12) if count else np.eye(12)[:, :3]
    assert residual_directions(centred, chosen, count=count, seed=0).shape == (12, 0)
    whole = general_hash(centred, np.eye(12), bits=16, count=8, residual=0.5, seed=0)
    assert whole.bits == 8


def test_bits_of_the_residual_tell_apart_what_the_others_do_not() -> None:
    """Groups of videos that differ from each other by far more than their members do."""
    rng = np.random.default_rng(0)
    groups = np.repeat(10 * rng.normal(size=(40, 8)), 10, axis=0)
    videos = np.hstack([groups, rng.normal(size=(400, 56))])
    copies = videos + 0.2 * rng.normal(size=videos.shape)

    def found(residual: float) -> float:
        hashed = general_hash(videos, np.eye(64), bits=32, count=16, residual=residual, seed=0)
        a, b = hashed.project(copies) >= 0, hashed.project(videos) >= 0
        distances = (a[:, None] != b[None]).sum(axis=2)
        nearest = distances == distances.min(axis=1, keepdims=True)
        return float((np.diag(nearest) / nearest.sum(axis=1)).mean())

    assert found(0.25) > found(0.0) + 0.1


def test_a_single_video_still_has_bits() -> None:
    assert (
        general_hash(np.ones((1, 6)), np.eye(6), bits=8, count=4, residual=0.125, seed=0).bits == 4
    )
