"""Anchors: centres of the training videos' mean features, which two rivals' losses look at.

BTH and S5VH find them so in their released code; they go through a PCA to 512 numbers first, which
hardly moves distances and is left out here [I].
"""

from __future__ import annotations

import torch
from torch import Tensor

from hashing.kmeans import kmeans

_ROUNDS = 15  # as in the released code
_MOST = 50_000  # videos that are looked at: a hundred for each anchor will do


def find_anchors(means: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Find anchors (P, D) by k-means.

    Args:
        means: Mean feature of each training video, (N, D).
        count: P, at most one for each distinct video.
        generator: Source of chance, on the CPU.

    Example:
        >>> two = torch.tensor([[0.0], [2.0], [8.0]])
        >>> find_anchors(two, 2, generator=torch.Generator().manual_seed(0)).sort(dim=0).values
        tensor([[1.],
                [8.]])
    """
    if len(means) > _MOST:
        means = means[torch.randperm(len(means), generator=generator)[:_MOST].sort().values]
    found, _ = kmeans(means[None], count, generator=generator, starts=1, rounds=_ROUNDS)
    used, members = torch.unique(found[0], return_inverse=True)
    sums = torch.zeros(len(used), means.shape[1]).index_add_(0, members, means)
    return sums / torch.bincount(members)[:, None]


def nearest_anchors(means: Tensor, anchors: Tensor, count: int) -> Tensor:
    """Return the nearest anchors of each video, nearest first, (B, n).

    Args:
        means: Mean feature of each video, (B, D).
        anchors: (P, D).
        count: n, at most P.
    """
    return torch.cdist(means, anchors).topk(min(count, len(anchors)), largest=False).indices
