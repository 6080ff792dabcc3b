"""The fixed front: centring, principal axes, whitening."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.pipeline.errors import UsageError


def frames(count: int = 300, dim: int = 10) -> np.ndarray:
    rng = np.random.default_rng(0)
    return 5 + rng.normal(size=(count, dim)) @ rng.normal(size=(dim, dim)) * np.arange(1, dim + 1)


@pytest.mark.parametrize("whitening", [0.0, 0.25, 0.5])
def test_axes_come_out_uncorrelated_with_eigenvalues_to_the_power(whitening: float) -> None:
    data = frames()
    pca = fit_pca_whitening([data], dims=10, whitening=whitening)
    out = pca(data).astype(float)
    covariance = out.T @ out / len(out)
    eigenvalues = np.linalg.eigvalsh(np.cov(data.T, bias=True))[::-1]
    expected = eigenvalues ** (1 - 2 * whitening)
    np.testing.assert_allclose(np.diag(covariance), expected / expected.mean(), rtol=1e-3)
    np.testing.assert_allclose(pca.std**2, np.diag(covariance), rtol=1e-3)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-3


def test_without_whitening_all_axes_keep_the_distances_up_to_one_factor() -> None:
    data = frames(20)
    out = fit_pca_whitening([data], dims=10, whitening=0.0)(data)
    before = np.linalg.norm(data[:, None] - data[None], axis=2)
    after = np.linalg.norm(out[:, None] - out[None], axis=2)
    np.testing.assert_allclose(after / after.max(), before / before.max(), atol=1e-5)


def test_frames_of_few_directions_give_a_narrow_front() -> None:
    data = frames(50)[:, :2] @ np.random.default_rng(1).normal(size=(2, 30))
    assert fit_pca_whitening([data], dims=16, whitening=0.5).matrix.shape == (30, 2)


def test_unit_frames_make_the_length_of_a_feature_not_matter() -> None:
    data = frames().astype(np.float32)
    pca = fit_pca_whitening([data], dims=4, whitening=0.25, l2_normalize=True)
    np.testing.assert_allclose(pca(data), pca(7 * data), rtol=1e-4, atol=1e-5)


def test_equal_frames_are_refused() -> None:
    with pytest.raises(UsageError, match="same features"):
        fit_pca_whitening([np.ones((8, 5))], dims=4, whitening=0.25)
