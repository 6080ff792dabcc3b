"""What changes over a run: the learning rate (a hill, or stairs down), and the tasks' weights."""

from __future__ import annotations

import math


def one_cycle(done: float, *, warmup: float) -> float:
    """Return the share of the highest rate: up along a cosine from 1/25, then down to 0.

    Super-convergence (2018): https://arxiv.org/abs/1708.07120

    Args:
        done: Share of the steps that are done, in [0, 1].
        warmup: Share of the steps in which the rate rises.

    Example:
        >>> [round(one_cycle(x, warmup=0.5), 2) for x in (0.0, 0.5, 0.75, 1.0)]
        [0.04, 1.0, 0.5, 0.0]
    """
    if done < warmup:
        return 0.04 + 0.96 * _rise(done / warmup)
    return 1.0 - _rise((done - warmup) / max(1 - warmup, 1e-12))


def ramp(done: float, *, over: float) -> float:
    """Return the share of a task's full weight: linearly from 0 to 1, then 1.

    Args:
        done: Share of the steps that are done, in [0, 1].
        over: Share of the steps in which the weight grows; 0 is none.

    Example:
        >>> [ramp(done, over=0.5) for done in (0.0, 0.25, 0.5, 1.0)], ramp(0.0, over=0.0)
        ([0.0, 0.5, 1.0, 1.0], 1.0)
    """
    return done / over if done < over else 1.0


def stairs(epoch: int, *, every: int, factor: float, least: float) -> float:
    """Return the share of the first rate: times ``factor`` after every so many epochs.

    Args:
        epoch: Epochs done.
        every: Epochs of a step.
        factor: What a step leaves of the rate.
        least: The share that it never falls below.

    Example:
        >>> [stairs(epoch, every=20, factor=0.5, least=0.2) for epoch in (0, 19, 20, 60)]
        [1.0, 1.0, 0.5, 0.2]
    """
    return max(least, factor ** (epoch // every))


def _rise(x: float) -> float:
    return (1 - math.cos(math.pi * x)) / 2
