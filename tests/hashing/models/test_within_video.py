"""Within-class covariance normalization, each video its own class."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.models.within_video import total_and_within_covariance, within_video_map
from chainpipe.pipeline.errors import UsageError


def planted(videos: int = 200, frames: int = 6, dim: int = 8, *, seed: int = 0) -> np.ndarray:
    """Videos that differ in the first half of the features and change inside in the second."""
    rng = np.random.default_rng(seed)
    content = rng.normal(size=(videos, 1, dim)) * np.repeat([1.0, 0.0], dim // 2)
    inside = rng.normal(size=(videos, frames, dim)) * np.repeat([0.1, 3.0], dim // 2)
    return 2 + content + inside


def test_the_covariances_are_those_of_a_plain_computation_in_any_parts() -> None:
    videos = planted()
    total, within = total_and_within_covariance([videos[:50].astype(np.float32), videos[50:]])
    flat = videos.reshape(-1, 8)
    plain = np.mean([np.cov(one.T, bias=True) for one in videos], axis=0)
    np.testing.assert_allclose(total.mean, flat.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(total.covariance, np.cov(flat.T, bias=True), atol=1e-5)
    np.testing.assert_allclose(within, plain, atol=1e-5)
    assert total.count == len(flat)


def test_no_videos_are_refused() -> None:
    with pytest.raises(ValueError, match="no vectors"):
        total_and_within_covariance([])


def test_half_as_exponent_makes_the_variance_within_videos_equal() -> None:
    total, within = total_and_within_covariance([planted()])
    mapped = within_video_map(total.covariance, within, exponent=0.5, shrinkage=1e-6)
    inside = mapped.T @ within @ mapped
    np.testing.assert_allclose(inside, np.eye(8) * inside[0, 0], atol=1e-3 * inside[0, 0])


def test_the_map_is_the_inverse_power_of_the_shrunk_covariance() -> None:
    total, within = total_and_within_covariance([planted()])
    mapped = within_video_map(total.covariance, within, exponent=0.25, shrinkage=0.3)
    shrunk = within + 0.3 * np.trace(within) / 8 * np.eye(8)
    expected = np.linalg.inv(np.linalg.cholesky(shrunk))  # (W + cI)^-1 = expected' expected
    product = mapped @ mapped.T  # = (W + cI)^-1/2, up to a factor
    squared = product @ product
    np.testing.assert_allclose(
        squared / np.trace(squared), (expected.T @ expected) / np.trace(expected.T @ expected),
        atol=1e-9,
    )  # fmt: skip


def test_what_changes_inside_videos_counts_less() -> None:
    videos = planted()
    far = np.zeros(8)
    far[:4] = 1.0  # other content
    moved = np.zeros(8)
    moved[4:] = 1.0  # the same content, moved

    def ratio(exponent: float) -> float:
        pca = fit_pca_whitening([videos], dims=8, whitening=0.0, within=exponent)
        base, other, same = pca(np.stack([np.zeros(8), far, moved]))
        return float(np.linalg.norm(other - base) / np.linalg.norm(same - base))

    assert ratio(0.5) > 1.5 * ratio(0.25) > 2 * ratio(1e-9)


def test_features_of_low_rank_give_as_many_components() -> None:
    videos = planted()[..., :5] @ np.random.default_rng(1).normal(size=(5, 40))
    assert fit_pca_whitening([videos], dims=16, whitening=0.0, within=0.25).matrix.shape == (40, 5)


def test_still_videos_give_plain_pca() -> None:
    still = np.repeat(planted(frames=1), 6, axis=1)
    within = fit_pca_whitening([still], dims=4, whitening=0.0, within=0.25)
    plain = fit_pca_whitening([still.reshape(-1, 8)], dims=4, whitening=0.0)
    np.testing.assert_allclose(np.abs(within.matrix), np.abs(plain.matrix), rtol=1e-4, atol=1e-6)


def test_unit_frames_make_the_length_of_a_feature_not_matter() -> None:
    videos = planted().astype(np.float32)
    pca = fit_pca_whitening([videos], dims=4, whitening=0.0, within=0.25, l2_normalize=True)
    np.testing.assert_allclose(pca(videos), pca(7 * videos), rtol=1e-4, atol=1e-5)


def test_equal_frames_are_refused() -> None:
    with pytest.raises(UsageError, match="same features"):
        fit_pca_whitening([np.ones((8, 2, 5))], dims=4, whitening=0.0, within=0.25)
