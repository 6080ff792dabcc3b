"""LSH, PCA-ITQ and random codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.methods.hashing_baseline import fit_hashing_baseline
from chainpipe.hashing.methods.lsh import fit_lsh
from chainpipe.hashing.methods.pca_itq import fit_pca_itq, hash_directions, itq_rotation
from chainpipe.hashing.methods.random_codes import RandomHash
from chainpipe.hashing.models.linear_hash import LinearHash, video_means
from chainpipe.hashing.models.pca import Array


def no_covariance() -> Array:
    raise AssertionError("the frames' covariance is not needed here")


def plain_pca_itq(means: np.ndarray, bits: int, seed: int) -> np.ndarray:
    """The paper's algorithm in ten lines, on the training means; returns the values (N, K)."""
    centred = means.astype(np.float64) - means.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:bits].T
    axes = axes * np.sign(((centred @ axes) ** 3).sum(axis=0))
    values = centred @ axes
    draw, upper = np.linalg.qr(np.random.default_rng(seed).normal(size=(bits, bits)))
    rotation = draw * np.sign(np.diag(upper))
    for _ in range(50):
        left, _, right = np.linalg.svd(values.T @ np.where(values @ rotation >= 0, 1, -1))
        rotation = left @ right
    return values @ rotation


def test_the_codes_do_not_depend_on_the_basis_of_the_features() -> None:
    means = np.random.default_rng(1).normal(size=(60, 10)) ** 3
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(10, 10)))[0]
    codes = [
        fit_pca_itq(rows, 8, seed=3, frame_covariance=no_covariance).encode(rows[:, None])
        for rows in (means, means @ turn)
    ]
    assert np.array_equal(*codes)


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_pca_itq_agrees_with_a_plain_version(bits: int) -> None:
    means = np.random.default_rng(1).normal(size=(60, 10)) * np.arange(10, 0, -1)
    fitted = fit_pca_itq(means, bits, seed=3, frame_covariance=no_covariance)
    expected = plain_pca_itq(means, bits, 3)
    assert (fitted.encode(means[:, None]) == (expected >= 0)).mean() > 0.999
    assert np.abs(fitted.project(means)).mean() == pytest.approx(1, rel=1e-4)


def test_rotating_never_moves_values_away_from_their_signs() -> None:
    values = np.random.default_rng(0).normal(size=(100, 6)) * np.arange(1, 7)

    def error(rotation: Array) -> float:
        turned = values @ rotation
        return float(np.square(turned - np.where(turned >= 0, 1, -1)).sum())

    errors = [
        error(itq_rotation(values, rng=np.random.default_rng(0), iterations=n))
        for n in (0, 1, 2, 5, 20, 50)
    ]
    assert errors == sorted(errors, reverse=True)


@given(
    st.integers(2, 12), st.integers(1, 8), st.integers(1, 20), st.integers(0, 100), st.booleans()
)
@settings(max_examples=40, deadline=None)
def test_there_are_as_many_directions_as_bits_whatever_the_rank(
    videos: int, dim: int, bits: int, seed: int, still: bool
) -> None:
    rng = np.random.default_rng(seed)
    centred = rng.normal(size=(videos, dim))
    centred -= centred.mean(axis=0)
    covariance = np.zeros((dim, dim)) if still else np.diag(np.arange(1.0, dim + 1))
    found = hash_directions(centred, bits, rng=rng, frame_covariance=lambda: covariance)
    assert found.shape == (dim, bits)
    for start in range(0, bits, dim):  # every D of them are orthonormal
        block = found[:, start : start + dim]
        np.testing.assert_allclose(block.T @ block, np.eye(block.shape[1]), atol=1e-8)


def test_directions_beyond_the_means_rank_come_from_the_frames() -> None:
    centred = np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]])
    covariance = np.diag([9.0, 1.0, 2.0, 0.0])
    rng = np.random.default_rng(0)
    found = hash_directions(centred, 4, rng=rng, frame_covariance=lambda: covariance)
    np.testing.assert_allclose(np.abs(found), np.eye(4)[:, [0, 2, 1, 3]], atol=1e-9)


def test_lsh_bits_differ_in_proportion_to_the_angle() -> None:
    angle = np.pi / 5
    means = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    fitted = fit_lsh(np.vstack([means, -means]), 4000, seed=0)  # centred at 0
    first, second = fitted.encode(means[:, None])
    assert (first != second).mean() == pytest.approx(angle / np.pi, abs=0.03)


def test_a_bit_is_one_where_the_value_is_zero() -> None:
    fitted = LinearHash(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    assert fitted.encode(np.array([[[0.0, -1.0]]])).tolist() == [[True, False]]


def test_a_linear_hash_refuses_a_mean_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"\(2,\), \(3, 4\)"):
        LinearHash(np.zeros(2, np.float32), np.zeros((3, 4), np.float32))


def test_means_of_half_precision_frames_do_not_overflow() -> None:
    assert video_means(np.full((1, 40, 1), 60000, np.float16))[0, 0] == pytest.approx(
        60000, rel=1e-3
    )


def test_random_codes_are_balanced_repeatable_and_blind() -> None:
    features = np.random.default_rng(0).normal(size=(200, 3, 4)).astype(np.float32)
    codes = RandomHash(bits=64, seed=0).encode(features)
    assert codes.mean() == pytest.approx(0.5, abs=0.02)
    assert (codes == RandomHash(bits=64, seed=0).encode(features)).all()
    assert (codes != RandomHash(bits=64, seed=1).encode(features)).mean() > 0.4
    nearly = RandomHash(bits=64, seed=0).encode(features + np.float32(1e-3))
    assert (codes != nearly).mean() == pytest.approx(0.5, abs=0.03)


def test_hashing_baseline_is_pca_itq_without_its_iterations() -> None:
    means = np.random.default_rng(1).normal(size=(60, 10)) * np.arange(10, 0, -1)
    fitted = fit_hashing_baseline(means, 6, seed=3, frame_covariance=no_covariance)
    centred = means - means.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    gram = fitted.directions.T @ fitted.directions
    assert gram == pytest.approx(np.eye(6), abs=1e-5)  # a rotation of the directions
    inside = axes[:6].T @ axes[:6] @ fitted.directions
    assert inside == pytest.approx(fitted.directions, abs=1e-5)  # of PCA
    variances = fitted.project(means).var(axis=0)
    assert variances.max() < 0.9 * (centred @ axes[0]).var()  # no bit has the first one alone
    other = fit_hashing_baseline(means, 6, seed=4, frame_covariance=no_covariance)
    assert not np.allclose(other.directions, fitted.directions)
