"""Made videos for the tests of matching: a path through feature space, seen at some moments."""

from __future__ import annotations

import numpy as np

from chainpipe.hashing.matching.records import F32, FrameSequence
from chainpipe.hashing.matching.space import unit

RATE, DIRECTIONS = 25, 64


def path(seconds: float, seed: int, *, shots: int = 3) -> F32:
    """What a film shows, 25 times a second: shots, and slow movement within them."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    scenes = np.repeat(rng.standard_normal((shots, DIRECTIONS)), -(-count // shots), axis=0)
    moves = rng.standard_normal((count, DIRECTIONS)).cumsum(axis=0) * 0.1
    return np.asarray(scenes[:count] + moves, np.float32)


def seen(
    film: F32,
    *,
    start: float = 0.0,
    seconds: float = 10.0,
    speed: float = 1.0,
    frames: int = 25,
    noise: float = 0.15,
    shift: float = 0.5,
    seed: int = 1,
) -> FrameSequence:
    """A copy of a part of a film: other speed, noise, and a shift that all its frames share."""
    rng = np.random.default_rng(seed)
    clock = (np.arange(frames) + 0.5) * seconds / frames
    rows = np.clip(((start + clock * speed) * RATE).astype(int), 0, len(film) - 1)
    moved = film[rows] + shift * rng.standard_normal(DIRECTIONS)
    moved = moved + noise * rng.standard_normal(moved.shape)
    return FrameSequence(unit(moved), clock, seconds)
