"""Batched k-means: many small sets of points at once, without a loop over the sets.

Only distances between the points of a set are read: a centre is a mean of points, so its distance
to a point follows from theirs. Every round then costs T numbers a point instead of M.

k-means++ initialization (2007): https://dl.acm.org/doi/10.5555/1283383.1283494
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def kmeans(
    points: Tensor,
    num_clusters: int,
    *,
    generator: torch.Generator,
    restarts: int = 4,
    iterations: int = 30,
) -> tuple[Tensor, Tensor]:
    """Cluster each of B sets of points; keep the restart with the lowest inertia.

    Args:
        points: Sets of T points, (B, T, M), on the CPU.
        num_clusters: P, maximum number of clusters; equal points are never separated.
        generator: Random number generator on the CPU.
        restarts: R, independent initializations.
        iterations: Maximum number of iterations of Lloyd's algorithm.

    Returns:
        Cluster indices, (B, T), and inertias (sums of squared distances to the centres), (B,).

    Example:
        >>> two = torch.tensor([[[0.0], [0.1], [5.0]]])
        >>> labels, inertia = kmeans(two, 2, generator=torch.Generator().manual_seed(0))
        >>> bool(labels[0, 0] == labels[0, 1] != labels[0, 2]), round(inertia.item(), 3)
        (True, 0.005)
    """
    squares = squared_distances(points)
    first = first_centres(squares, num_clusters, restarts=restarts, generator=generator)
    labels, nearest = lloyd(squares, first, iterations)
    inertia, best = nearest.sum(dim=2).min(dim=1)
    return labels[torch.arange(len(points)), best], inertia


def squared_distances(points: Tensor) -> Tensor:
    """Return the squared distances within sets of points (B, T, M), (B, T, T).

    Of equal points they are exactly 0, which products of the points would not give.
    """
    return torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").square_()


def first_centres(
    squares: Tensor, num_clusters: int, *, restarts: int, generator: torch.Generator
) -> Tensor:
    """Draw points as initial centres by k-means++; return their indices, (B, R, P).

    Args:
        squares: Squared distances within each set, (B, T, T).
        num_clusters: P.
        restarts: R.
        generator: Random number generator on the CPU.
    """
    sets, frames, _ = squares.shape
    which = torch.arange(sets).repeat(restarts)
    chosen = [torch.randint(frames, (len(which),), generator=generator)]
    nearest = torch.full((len(which), frames), float("inf"))
    for _ in range(num_clusters - 1):
        nearest = torch.minimum(nearest, squares[which, chosen[-1]])
        covered = nearest.sum(dim=1, keepdim=True) <= 0  # all points are centres: draw uniformly
        chosen.append(torch.multinomial(nearest + covered, 1, generator=generator)[:, 0])
    return torch.stack(chosen, dim=1).view(restarts, sets, num_clusters).transpose(0, 1)


def lloyd(squares: Tensor, first: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Improve centres; return each point's nearest one and its squared distance, (B, R, T) each.

    Args:
        squares: Squared distances within each set, (B, T, T).
        first: Points that are the initial centres, (B, R, P).
        iterations: Maximum number of iterations.
    """
    weights = F.one_hot(first, squares.shape[1]).to(squares.dtype)  # of points in centres
    labels, nearest = _assign(squares, weights)
    moving = torch.arange(len(squares))  # sets whose labels may still change
    now = labels.clone()
    for _ in range(iterations):
        weights = _means(now, weights)
        before = now
        now, nearest[moving] = _assign(squares, weights)
        labels[moving] = now
        changed = (before != now).flatten(1).any(dim=1)
        if not changed.any():
            break
        if 2 * changed.sum() < len(changed):  # a copy costs as much as a round
            moving, squares = moving[changed], squares[changed]
            now, weights = now[changed], weights[changed]
    return labels, nearest


def _assign(squares: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return each point's nearest centre and its squared distance, (B, R, T) each.

    Args:
        squares: Squared distances within each set, (B, T, T).
        weights: Of each point in each centre, (B, R, P, T); those of a centre sum to 1.
    """
    around = (weights.flatten(1, 2) @ squares).view_as(weights)  # mean distance to a centre's
    spread = (around * weights).sum(dim=3, keepdim=True) / 2  # of a centre's points around it
    nearest = (around - spread).min(dim=2)
    return nearest.indices, nearest.values.clamp(min=0)


def _means(labels: Tensor, weights: Tensor) -> Tensor:
    """Return the weights (B, R, P, T) of each cluster's mean; an empty cluster keeps its centre."""
    clusters = torch.arange(weights.shape[2])[:, None]
    member = (labels[:, :, None] == clusters).to(weights.dtype)
    counts = member.sum(dim=3, keepdim=True)
    return torch.where(counts > 0, member / counts.clamp(min=1), weights)
