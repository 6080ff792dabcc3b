"""Asymmetric distance against plain sums and against tables of 256 entries, and its properties."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.retrieval.asymmetric import (
    STEP,
    asymmetric_steps,
    bit_scale,
    bit_weights,
    nearest_steps,
    search_asymmetric,
)
from chainpipe.hashing.retrieval.bitpack import pack, unpack
from chainpipe.hashing.retrieval.hamming import distance_matrix
from tests.hashing.retrieval.answer_samples import random_bits

BITS = st.sampled_from([1, 3, 8, 13, 64, 256])


def by_tables(weights: npt.NDArray[np.int32], codes: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Look up each stored byte in a table of 256 sums: a second way, exact in whole numbers."""
    padded = np.zeros((len(weights), 8 * codes.shape[1]), np.int64)
    padded[:, : weights.shape[1]] = weights
    found = []
    for weight in padded.reshape(len(weights), -1, 8):
        tables = [
            [sum(abs(w) for j, w in enumerate(part) if (w >= 0) != bool(byte >> j & 1) and w)
             for byte in range(256)]
            for part in weight
        ]  # fmt: skip
        found.append([sum(t[byte] for t, byte in zip(tables, code, strict=True)) for code in codes])
    return found


@settings(max_examples=30, deadline=None)
@given(BITS, st.integers(0, 1000))
def test_it_is_the_sum_of_magnitudes_where_the_signs_differ(bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, stored = rng.normal(size=(3, bits)), random_bits(20, bits, seed=seed)
    scale = rng.uniform(0.5, 2, bits).astype(np.float32)
    found = asymmetric_steps(bit_weights(values, scale), pack(stored), bits) * STEP
    for value, line in zip(values, found, strict=True):
        size = np.abs(value) / scale
        size /= size.mean()
        expected = [(size * ((value >= 0) != code)).sum() for code in stored]
        np.testing.assert_allclose(line, expected, atol=bits * STEP)


@settings(max_examples=10, deadline=None)
@given(BITS, st.integers(0, 1000))
def test_it_agrees_to_the_last_step_with_tables_of_bytes(bits: int, seed: int) -> None:
    values = np.random.default_rng(seed).standard_cauchy(size=(2, bits))  # a few are huge
    codes = pack(random_bits(9, bits, seed=seed))
    weights = bit_weights(values)
    assert asymmetric_steps(weights, codes, bits).tolist() == by_tables(weights, codes)


def test_more_codes_than_a_block_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = bit_weights(np.random.default_rng(0).normal(size=(4, 20)))
    codes = pack(random_bits(50, 20))
    whole = asymmetric_steps(weights, codes, 20)
    monkeypatch.setattr("chainpipe.hashing.retrieval.asymmetric.BLOCK", 7)
    assert np.array_equal(asymmetric_steps(weights, codes, 20), whole)


@pytest.mark.parametrize("size", [1.0, 0.03, 0.0])
def test_equal_magnitudes_give_the_hamming_distance(size: float) -> None:
    """Random codes have the values -1 and 1, and a still bit the value 0, which is a 1."""
    asked, stored = random_bits(6, 24, seed=1), pack(random_bits(30, 24))
    if not size:
        asked[:] = True
    values = np.where(asked, size, -size)
    found = asymmetric_steps(bit_weights(values), stored, 24)
    assert np.array_equal(found, 10_000 * distance_matrix(pack(asked), stored).astype(int))


def test_the_size_of_a_query_and_of_a_scaled_bit_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    values, scale = rng.normal(size=(5, 16)), rng.uniform(0.1, 9, 16).astype(np.float32)
    expected = bit_weights(values)
    assert np.array_equal(bit_weights(8 * values), expected)
    assert np.abs(bit_weights(values * scale, scale) - expected).max() <= 1  # step
    assert np.abs(expected).mean() == pytest.approx(10_000, rel=1e-3)


def test_the_scale_makes_two_parts_of_a_code_count_alike() -> None:
    """Planted: the second part is 50 times as large; the scale takes that back."""
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(200, 32))
    glued = plain * np.repeat([1.0, 50.0], 16)
    scale = bit_scale(np.abs(glued).sum(axis=0), len(glued))
    share = np.abs(bit_weights(glued, scale))[:, :16].sum() / np.abs(bit_weights(glued)).sum()
    assert share == pytest.approx(0.5, abs=0.02)
    assert np.abs(bit_weights(glued))[:, :16].sum() < 0.03 * np.abs(bit_weights(glued)).sum()


@pytest.mark.parametrize("bits", [256, 1677, 3000])
def test_sums_are_exact_also_with_one_huge_value_and_in_long_codes(bits: int) -> None:
    values = np.random.default_rng(0).normal(size=(2, bits))
    values[0, 3] = 1e9
    weights, codes = bit_weights(values), pack(random_bits(4, bits))
    found = asymmetric_steps(weights, codes, bits)
    assert found.tolist() == by_tables(weights, codes)
    assert np.abs(weights).sum(axis=1).max() <= 10_001 * bits


def test_search_gives_the_first_of_a_full_sort_in_the_order_distance_row() -> None:
    rng = np.random.default_rng(0)
    values, stored = rng.choice([-2.0, -1, 1, 2], (7, 5)), random_bits(60, 5)  # many ties
    distances, rows = search_asymmetric(values, pack(stored), 5, k=9)
    steps = asymmetric_steps(bit_weights(values), pack(stored), 5)
    for line, near, found in zip(steps, distances, rows, strict=True):
        expected = sorted(range(60), key=lambda row: (line[row], row))[:9]
        assert found.tolist() == expected
        np.testing.assert_allclose(near, line[expected] * STEP)
    assert search_asymmetric(values, pack(stored), 5, k=99)[1].shape == (7, 60)


def test_an_empty_database_has_no_answer() -> None:
    assert len(nearest_steps(np.empty(0, np.int64), 3)) == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"are \(N, 2\), not \(3, 1\)"):
        asymmetric_steps(np.ones((1, 9), np.int32), np.zeros((3, 1), np.uint8), 9)
    with pytest.raises(ValueError, match="NaN or infinite"):
        bit_weights(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match=r"scale of 2 bits, not of shape \(3,\)"):
        bit_weights(np.ones((1, 2)), np.ones(3, np.float32))
    with pytest.raises(ValueError, match="at least 1"):
        search_asymmetric(np.ones((1, 2)), np.zeros((3, 1), np.uint8), 2, k=0)


def test_unpacked_weights_are_the_bits() -> None:
    values = np.random.default_rng(0).normal(size=(4, 11))
    assert np.array_equal(bit_weights(values) >= 0, unpack(pack(values >= 0), 11))
