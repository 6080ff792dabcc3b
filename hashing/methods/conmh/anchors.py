"""Anchors: k-means centres of the training videos' mean features, for BTH's and S5VH's losses.

The released code of BTH and S5VH does the same after a PCA to 512 dimensions, which hardly changes
distances and is left out here [I].
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

_ITERATIONS = 15  # as in the released code, like the random initialization


def find_anchors(means: Tensor, count: int, *, seed: int) -> Tensor:
    """Fit anchors (P, D) by k-means.

    Args:
        means: Mean feature of each training video, (N, D).
        count: P; fewer are returned if clusters stay empty.
        seed: Seed of the initial centres.

    Example:
        >>> two = torch.tensor([[0.0], [2.0], [8.0]])
        >>> find_anchors(two, 2, seed=0).sort(dim=0).values
        tensor([[1.],
                [8.]])
    """
    from scipy.cluster.vq import kmeans2

    rng = np.random.default_rng(seed)
    with warnings.catch_warnings(action="ignore"):  # about empty clusters: they are dropped
        _, found = kmeans2(means.numpy(), count, iter=_ITERATIONS, minit="points", seed=rng)
    used, members = torch.unique(torch.from_numpy(found).long(), return_inverse=True)
    sums = torch.zeros(len(used), means.shape[1]).index_add_(0, members, means)
    return sums / torch.bincount(members)[:, None]


def nearest_anchors(means: Tensor, anchors: Tensor, count: int) -> Tensor:
    """Return the nearest anchors of each video, nearest first, (B, n).

    Args:
        means: Mean feature of each video, (B, D).
        anchors: Anchor features, (P, D).
        count: n, at most P.
    """
    return torch.cdist(means, anchors).topk(min(count, len(anchors)), largest=False).indices
