"""Health of codes: against plain loops, and on codes whose health is known."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.monitoring.code_metrics import (
    bit_balance,
    bit_correlation,
    bit_entropy,
    dead_bits,
    distinct_fraction,
    neighbours_found,
)


def random_codes(videos: int, bits: int, seed: int) -> torch.Tensor:
    values = torch.randn(videos, bits, generator=torch.Generator().manual_seed(seed))
    return torch.where(values >= 0, 1.0, -1.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 30), st.integers(2, 9), st.integers(0, 1000))
def test_measures_equal_plain_loops(videos: int, bits: int, seed: int) -> None:
    codes = random_codes(videos, bits, seed)
    columns = codes.T.tolist()
    shares = [sum(value > 0 for value in column) / videos for column in columns]
    entropies = [-sum(p * math.log2(p) for p in (s, 1 - s) if p) for s in shares]
    assert bit_balance(codes) == pytest.approx(
        sum(min(s, 1 - s) * 2 for s in shares) / bits, abs=1e-6
    )
    assert bit_entropy(codes) == pytest.approx(sum(entropies) / bits, abs=1e-6)
    assert dead_bits(codes, least=0.5) == sum(e < 0.5 for e in entropies)
    assert distinct_fraction(codes) == len({tuple(row) for row in codes.tolist()}) / videos
    assert bit_correlation(codes) == pytest.approx(plain_correlation(columns), abs=1e-5)


def plain_correlation(columns: list[list[float]]) -> float:
    total, pairs = 0.0, 0
    for i, one in enumerate(columns):
        for other in columns[:i]:
            a, b = (torch.tensor(c) - sum(c) / len(c) for c in (one, other))
            length = float(a.norm() * b.norm())
            total += abs(float(a @ b)) / length if length else 0.0
            pairs += 1
    return total / pairs


def test_codes_of_the_features_own_signs_keep_more_neighbours_than_chance() -> None:
    features = torch.randn(60, 256, generator=torch.Generator().manual_seed(1))
    near = features.repeat(2, 1) + 0.1 * torch.randn(
        120, 256, generator=torch.Generator().manual_seed(2)
    )
    assert neighbours_found(near.sign(), near, count=1).tolist() == [1.0] * 120
    assert neighbours_found(random_codes(120, 256, 3), near, count=1).mean() < 0.1


def test_one_video_has_no_neighbours_and_one_bit_no_pair() -> None:
    assert neighbours_found(torch.ones(1, 4), torch.ones(1, 4)).tolist() == [0.0]
    assert bit_correlation(torch.ones(3, 1)) == 0.0
