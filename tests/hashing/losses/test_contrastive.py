"""NT-Xent and its debiased form against the papers' sums, written as loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from chainpipe.hashing.losses.contrastive import nt_xent, positive_pairs


def by_hand(a: Tensor, b: Tensor, temperature: float, share: float) -> float:
    """The mean of the paper's loss; with ``share`` 0 it is NT-Xent."""
    z = [v / v.norm() for v in [*a, *b]]
    total = 0.0
    for i, anchor in enumerate(z):
        score = [math.exp(float(anchor @ other) / temperature) for other in z]
        positive = score[(i + len(a)) % len(z)]
        count = len(z) - 2
        negative = (sum(score) - score[i] - positive - share * count * positive) / (1 - share)
        negative = max(negative, count * math.exp(-1 / temperature))
        total -= math.log(positive / (positive + negative))
    return total / len(z)


@pytest.mark.parametrize(("batch", "bits"), [(2, 8), (5, 16)])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_agrees_with_the_sum_in_the_papers(
    batch: int, bits: int, temperature: float, share: float
) -> None:
    a, b = torch.randn(2, batch, bits, generator=torch.Generator().manual_seed(0))
    ours = nt_xent(a, b, temperature=temperature, tau_plus=share)
    assert ours.item() == pytest.approx(by_hand(a, b, temperature, share), rel=1e-4)


def test_excluded_pairs_are_as_if_they_were_not_there() -> None:
    a, b = torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0))
    outside = torch.tensor([4, 5, 10, 11])  # both views of videos 4 and 5
    excluded = torch.zeros(12, 12, dtype=torch.bool)
    excluded[outside] = True
    excluded[:, outside] = True
    loss = nt_xent(a, b, temperature=0.3, excluded_pairs=excluded)
    alone = nt_xent(a[:4], b[:4], temperature=0.3)
    # Videos 4 and 5 have no negatives left, so each of their views adds 0.
    assert loss.item() == pytest.approx(alone.item() * 8 / 12, rel=1e-5)


def test_a_positive_stays_a_positive_though_its_pair_is_excluded() -> None:
    a, b = torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(0))
    excluded = torch.zeros(6, 6, dtype=torch.bool)
    excluded[torch.arange(6), torch.arange(6).roll(3)] = True
    assert nt_xent(a, b, temperature=0.5, excluded_pairs=excluded) == nt_xent(a, b, temperature=0.5)


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("temperature", [0.01, 0.5])
def test_the_gradient_is_finite_even_for_equal_codes(share: float, temperature: float) -> None:
    codes = torch.ones(4, 8, requires_grad=True)
    nt_xent(codes, -codes, temperature=temperature, tau_plus=share).backward()
    assert codes.grad is not None
    assert codes.grad.isfinite().all()


def test_one_video_alone_costs_nothing() -> None:
    assert nt_xent(torch.ones(1, 4), torch.ones(1, 4), temperature=0.5).item() == 0


def test_views_of_different_batches_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 8\), \(3, 8\)"):
        nt_xent(torch.zeros(2, 8), torch.zeros(3, 8), temperature=1.0)


def test_related_are_the_same_video_and_neighbours_either_way() -> None:
    neighbours = torch.tensor([[1], [2], [-1], [0]])
    video_indices = torch.tensor([0, 2, 3, 0])
    pairs = positive_pairs(video_indices, neighbours)
    expected = {(0, 0), (1, 1), (2, 2), (3, 3), (0, 3), (3, 0), (0, 2), (2, 0), (2, 3), (3, 2)}
    assert {(int(i), int(j)) for i, j in pairs.nonzero()} == expected
