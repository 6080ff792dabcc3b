"""Schedules of the learning rate (one-cycle, step decay) and of loss weights (linear warm-up)."""

from __future__ import annotations

import math


def one_cycle(progress: float, *, warmup: float) -> float:
    """Return the factor of the maximum learning rate: cosine from 1/25 to 1, then to 0.

    Super-convergence (2018): https://arxiv.org/abs/1708.07120

    Args:
        progress: Fraction of the steps that are done, in [0, 1].
        warmup: Fraction of the steps in which the learning rate rises.

    Example:
        >>> [round(one_cycle(x, warmup=0.5), 2) for x in (0.0, 0.5, 0.75, 1.0)]
        [0.04, 1.0, 0.5, 0.0]
    """
    if progress < warmup:
        return 0.04 + 0.96 * _rise(progress / warmup)
    return 1.0 - _rise((progress - warmup) / max(1 - warmup, 1e-12))


def linear_warmup(progress: float, *, warmup: float) -> float:
    """Return the factor of a loss weight: linearly from 0 to 1, then 1.

    Args:
        progress: Fraction of the steps that are done, in [0, 1].
        warmup: Fraction of the steps in which the weight grows; 0 disables the warm-up.

    Example:
        >>> [linear_warmup(done, warmup=0.5) for done in (0.0, 0.25, 0.5, 1.0)]
        [0.0, 0.5, 1.0, 1.0]
        >>> linear_warmup(0.0, warmup=0.0)
        1.0
    """
    return progress / warmup if progress < warmup else 1.0


def step_decay(epoch: int, *, step_size: int, gamma: float, floor: float) -> float:
    """Return the factor of the initial learning rate: times ``gamma`` every ``step_size`` epochs.

    Args:
        epoch: Epochs done.
        step_size: Epochs between two decays.
        gamma: Factor of one decay.
        floor: Minimum factor.

    Example:
        >>> [step_decay(epoch, step_size=20, gamma=0.5, floor=0.2) for epoch in (0, 19, 20, 60)]
        [1.0, 1.0, 0.5, 0.2]
    """
    return max(floor, gamma ** (epoch // step_size))


def _rise(x: float) -> float:
    return (1 - math.cos(math.pi * x)) / 2
