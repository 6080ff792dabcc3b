"""Anchors: centres of the training videos' mean features, which two rivals' losses look at.

BTH and S5VH find them so in their released code; they go through a PCA to 512 numbers first, which
hardly moves distances and is left out here [I].
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

_ITERATIONS = 15  # as in the released code, and so are the starts: random videos


def find_anchors(means: Tensor, count: int, *, seed: int) -> Tensor:
    """Find anchors (P, D) by k-means.

    Args:
        means: Mean feature of each training video, (B, D).
        count: P; fewer are found where videos are equal.
        seed: Of the videos that it starts from.

    Example:
        >>> two = torch.tensor([[0.0], [2.0], [8.0]])
        >>> find_anchors(two, 2, seed=0).sort(dim=0).values
        tensor([[1.],
                [8.]])
    """
    from scipy.cluster.vq import kmeans2

    rng = np.random.default_rng(seed)
    with warnings.catch_warnings(action="ignore"):  # of centres without videos: they are left out
        _, found = kmeans2(means.numpy(), count, iter=_ITERATIONS, minit="points", seed=rng)
    used, members = torch.unique(torch.from_numpy(found).long(), return_inverse=True)
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
