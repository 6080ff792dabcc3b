"""Code metrics without labels: bit balance, entropy, correlation, neighbour recall, matches.

Unless stated otherwise, codes are signs (B, K) of -1 and +1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

NEIGHBOURS = 10  # of each video, in :func:`neighbours_found`


def bit_means(codes: Tensor) -> Tensor:
    """Return the fraction of videos in which each bit is 1, (K,)."""
    return (codes > 0).float().mean(dim=0)


def bit_entropies(codes: Tensor) -> Tensor:
    """Return each bit's entropy over the videos, in bits, (K,): 1 is balanced, 0 is constant.

    >>> bit_entropies(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))
    tensor([1., 0.])
    """
    ones = bit_means(codes)
    both = torch.stack([ones, 1 - ones])  # (2, K)
    return (-torch.xlogy(both, both) / math.log(2)).sum(dim=0)


def bit_balance(codes: Tensor) -> float:
    """Return the mean bit balance, 0 (all bits constant) to 1 (all bits balanced).

    >>> bit_balance(torch.tensor([[1.0, 1.0], [-1.0, 1.0]]))  # one balanced, one fixed
    0.5
    """
    return float((1 - (2 * bit_means(codes) - 1).abs()).mean())


def bit_entropy(codes: Tensor) -> float:
    """Return the mean of :func:`bit_entropies`."""
    return float(bit_entropies(codes).mean())


def dead_bits(codes: Tensor, *, least: float = 0.2) -> int:
    """Return the number of bits with an entropy below ``least``."""
    return int((bit_entropies(codes) < least).sum())


def bit_correlation(codes: Tensor) -> float:
    """Return the mean absolute correlation of bit pairs; a constant bit has correlation 0.

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
    """Return the number of distinct codes divided by the number of videos.

    >>> distinct_fraction(torch.tensor([[1.0], [1.0], [-1.0], [1.0]]))
    0.5
    """
    return len(torch.unique(codes > 0, dim=0)) / len(codes)


def neighbours_found(codes: Tensor, features: Tensor, *, count: int = NEIGHBOURS) -> Tensor:
    """Return the recall of each video's nearest neighbours by features among those by codes, (B,).

    Args:
        codes: (B, K).
        features: Centred features, (B, M); compared by cosine similarity.
        count: Number of neighbours; at most B - 1.
    """
    count = min(count, len(codes) - 1)
    if count < 1:
        return torch.zeros(len(codes))
    near = [_nearest(vectors, count) for vectors in (codes, features)]
    return (near[0] & near[1]).sum(dim=1) / count


def top1_match_rate(one: Tensor, other: Tensor) -> float:
    """Return the top-1 rate at which a video's code retrieves its other code among all videos.

    The mean of both directions; m tied best matches count 1 / m each.

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
    rates = []
    for rows in (cosine, cosine.T):
        alike = (rows >= own[:, None] - 1e-5).float()  # equal cosines may differ by rounding
        best = (rows <= own[:, None] + 1e-5).all(dim=1)
        rates.append((best / alike.sum(dim=1)).mean())
    return float(sum(rates) / 2)


def _nearest(vectors: Tensor, count: int) -> Tensor:
    """Return the nearest-neighbour mask of each row, (B, B) bool; ties by row."""
    unit = F.normalize(vectors, dim=1)
    cosine = (unit @ unit.T).fill_diagonal_(-2.0)
    order = cosine.argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(cosine, dtype=torch.bool).scatter_(1, order, True)
