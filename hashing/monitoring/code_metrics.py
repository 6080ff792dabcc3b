"""How healthy codes are, without labels: balance, entropy, correlation, neighbours, partners.

All functions take signs (B, K) of -1 and +1 and return numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

NEIGHBOURS = 10  # of each video, in :func:`neighbour_recall`


def bit_means(codes: Tensor) -> Tensor:
    """Return the share of videos in which each bit is 1, (K,)."""
    return (codes > 0).float().mean(dim=0)


def bit_entropies(codes: Tensor) -> Tensor:
    """Return each bit's entropy over the videos, in bits, (K,): 1 is balanced, 0 says nothing.

    >>> bit_entropies(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))
    tensor([1., 0.])
    """
    ones = bit_means(codes)
    both = torch.stack([ones, 1 - ones])  # (2, K)
    return (-torch.xlogy(both, both) / math.log(2)).sum(dim=0)


def bit_balance(codes: Tensor) -> float:
    """Return the mean over the bits of how far each is from being always the same, 0 to 1.

    >>> bit_balance(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))  # one balanced, one fixed
    0.5
    """
    return float((1 - (2 * bit_means(codes) - 1).abs()).mean())


def bit_entropy(codes: Tensor) -> float:
    """Return the mean of :func:`bit_entropies`."""
    return float(bit_entropies(codes).mean())


def dead_bits(codes: Tensor, *, least: float = 0.2) -> int:
    """Return how many bits have an entropy below ``least``."""
    return int((bit_entropies(codes) < least).sum())


def bit_correlation(codes: Tensor) -> float:
    """Return the mean absolute correlation of two bits; a bit that never changes counts 0.

    >>> codes = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])  # a bit and its opposite
    >>> round(bit_correlation(codes), 4)
    1.0
    """
    bits = codes.shape[1]
    if bits < 2:
        return 0.0
    unit = F.normalize(codes - codes.mean(dim=0), dim=0)  # (B, K)
    pairs = (unit.T @ unit).abs()
    return float((pairs.sum() - pairs.diagonal().sum()) / (bits * (bits - 1)))


def distinct_fraction(codes: Tensor) -> float:
    """Return the number of different codes as a share of the videos.

    >>> distinct_fraction(torch.tensor([[1.0], [1.0], [-1.0], [1.0]]))
    0.5
    """
    return len(torch.unique(codes > 0, dim=0)) / len(codes)


def neighbour_recall(codes: Tensor, features: Tensor, *, count: int = NEIGHBOURS) -> float:
    """Return how many of each video's nearest others by features are so by codes, as a share.

    Args:
        codes: (B, K).
        features: Around their mean, (B, M); compared by cosine.
        count: How many nearest; at most B - 1.
    """
    count = min(count, len(codes) - 1)
    if count < 1:
        return 0.0
    near = [_nearest(vectors, count) for vectors in (codes, features)]
    return float((near[0] & near[1]).sum() / (count * len(codes)))


def top1_match_rate(one: Tensor, other: Tensor) -> float:
    """Return how often a video's other code is the most alike among all videos' other codes.

    Both ways are counted; where several are equally alike, each has its share.

    Args:
        one: A code of each video, (B, K).
        other: Another code of each, (B, K).

    Example:
        >>> codes = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, -1.0]])  # the last two are alike
        >>> round(top1_match_rate(codes, codes), 4)
        0.6667
    """
    cosine = F.normalize(one, dim=1) @ F.normalize(other, dim=1).T  # (B, B)
    own = cosine.diagonal()
    shares = []
    for rows in (cosine, cosine.T):
        alike = (rows >= own[:, None] - 1e-5).float()  # rounding must not part equal cosines
        best = (rows <= own[:, None] + 1e-5).all(dim=1)
        shares.append((best / alike.sum(dim=1)).mean())
    return float(sum(shares) / 2)


def _nearest(vectors: Tensor, count: int) -> Tensor:
    """Return which others are among the nearest of each, (B, B) bool; ties by row."""
    unit = F.normalize(vectors, dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2.0)
    order = cosine.argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(cosine, dtype=torch.bool).scatter_(1, order, True)
