"""Batched k-means: many small sets of points at once, without a loop over the sets.

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
        restarts: Independent initializations.
        iterations: Maximum number of iterations of Lloyd's algorithm.

    Returns:
        Cluster indices, (B, T), and inertias (sums of squared distances to the centres), (B,).

    Example:
        >>> two = torch.tensor([[[0.0], [0.1], [5.0]]])
        >>> labels, inertia = kmeans(two, 2, generator=torch.Generator().manual_seed(0))
        >>> bool(labels[0, 0] == labels[0, 1] != labels[0, 2]), round(inertia.item(), 3)
        (True, 0.005)
    """
    sets, frames, _ = points.shape
    many = points.repeat(restarts, 1, 1)  # (restarts * B, T, M)
    centres = first_centres(many, num_clusters, generator)
    labels, nearest = _lloyd(many, centres, iterations)
    inertia, best = nearest.sum(dim=1).view(restarts, sets).min(dim=0)
    return labels.view(restarts, sets, frames)[best, torch.arange(sets)], inertia


def _lloyd(points: Tensor, centres: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Improve centres (B, P, M); return each point's nearest one and its distance, (B, T) each."""
    squares = points.square().sum(dim=2)[:, :, None]
    labels, nearest = _assign(points, squares, centres)
    moving = torch.arange(len(points))  # sets whose labels may still change
    now = labels.clone()
    for _ in range(iterations):
        centres = _means(points, now, centres)
        before = now
        now, nearest[moving] = _assign(points, squares, centres)
        labels[moving] = now
        changed = (before != now).any(dim=1)
        if not changed.any():
            break
        if 2 * changed.sum() < len(changed):  # a copy costs as much as a round
            moving, points, squares = moving[changed], points[changed], squares[changed]
            now, centres = now[changed], centres[changed]
    return labels, nearest


def first_centres(points: Tensor, num_clusters: int, generator: torch.Generator) -> Tensor:
    """Draw initial centres (B, P, M) from points (B, T, M) by k-means++."""
    sets, frames, _ = points.shape
    which = torch.arange(sets)
    chosen = [points[which, torch.randint(frames, (sets,), generator=generator)]]
    nearest = torch.full((sets, frames), float("inf"))
    for _ in range(num_clusters - 1):
        nearest = torch.minimum(nearest, (points - chosen[-1][:, None]).square().sum(dim=2))
        covered = nearest.sum(dim=1, keepdim=True) <= 0  # all points are centres: draw uniformly
        far = torch.multinomial(nearest + covered, 1, generator=generator)
        chosen.append(points[which, far[:, 0]])
    return torch.stack(chosen, dim=1)


def _assign(points: Tensor, squares: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return each point's nearest centre and its squared distance, (B, T) each.

    Args:
        points: (B, T, M).
        squares: Their squared lengths, (B, T, 1).
        centres: (B, P, M).
    """
    both = squares + centres.square().sum(dim=2)[:, None]
    distances = both - 2 * points @ centres.transpose(1, 2)  # (B, T, P)
    nearest = distances.min(dim=2)
    return nearest.indices, nearest.values.clamp(min=0)


def _means(points: Tensor, labels: Tensor, centres: Tensor) -> Tensor:
    """Return the mean of each cluster (B, P, M); an empty cluster keeps its centre."""
    member = F.one_hot(labels, centres.shape[1]).to(points.dtype)  # (B, T, P)
    counts = member.sum(dim=1)[:, :, None]  # (B, P, 1)
    sums = member.transpose(1, 2) @ points
    return torch.where(counts > 0, sums / counts.clamp(min=1), centres)
