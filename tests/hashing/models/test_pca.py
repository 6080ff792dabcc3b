"""Moments and principal directions against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.models import pca
from chainpipe.hashing.models.pca import mean_covariance, principal_axes, principal_axes_of_rows


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_moments_in_chunks_are_those_of_the_whole(count: int, dim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = 1000 + rng.normal(size=(count, dim))
    found = mean_covariance(np.array_split(vectors, min(count, 3)))
    assert found.count == count
    np.testing.assert_allclose(found.mean, vectors.mean(axis=0))
    np.testing.assert_allclose(
        found.covariance, np.cov(vectors.T, bias=True).reshape(dim, dim), atol=1e-9
    )


def test_moments_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="no vectors"):
        mean_covariance([])


def test_principal_directions_are_orthonormal_eigenvectors_with_fixed_signs() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 8)) * np.arange(1, 9)
    covariance = np.cov(rows.T, bias=True)
    values, directions = principal_axes(covariance, 5)
    np.testing.assert_allclose(covariance @ directions, directions * values, atol=1e-9)
    np.testing.assert_allclose(directions.T @ directions, np.eye(5), atol=1e-12)
    assert (directions[np.abs(directions).argmax(axis=0), np.arange(5)] > 0).all()


def test_directions_beyond_the_rank_are_left_out() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 2)) @ np.ones((2, 6)) * [1, 2, 3, 4, 5, 6]
    assert principal_axes(np.cov(rows.T), 6)[1].shape == (6, 1)


@pytest.mark.parametrize("shape", [(30, 7), (5, 40)])
def test_rows_give_the_directions_of_their_covariance(shape: tuple[int, int]) -> None:
    rows = np.random.default_rng(0).normal(size=shape)
    rows -= rows.mean(axis=0)
    values, directions = principal_axes_of_rows(rows, 4)
    expected, axes = principal_axes(rows.T @ rows / len(rows), 4)
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(directions, axes, atol=1e-9)


def test_large_covariances_take_the_iterative_way_to_the_same_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = np.random.default_rng(0).normal(size=(400, 200)) * 0.97 ** np.arange(200)
    covariance = rows.T @ rows / 400
    exact = principal_axes(covariance, 12)
    monkeypatch.setattr(pca, "_FULL_EIGH", 100)
    quick = principal_axes(covariance, 12)
    np.testing.assert_allclose(quick[0], exact[0], rtol=1e-6)
    assert np.abs(np.sum(quick[1] * exact[1], axis=0)).min() > 0.999
