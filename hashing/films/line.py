"""The straight line on which a clip lies in a film, to a fraction of the step between frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..matching.records import F32, F64, FrameSequence

SPEEDS = tuple(float(s) for s in np.exp(np.linspace(-np.log(1.7), np.log(1.7), 65)))
REACH = 1.25  # seconds around the first guess
STEP = 0.05  # seconds between two guesses
STILL = 0.2  # what pictures count that do not move, beside those that do
NEAR = 1e-3  # what a second off the first guess must gain, in mean cosine
OTHER_SPEED = 0.2  # what another speed than 1 must gain, by the seconds of the clip


class ClipLine(NamedTuple):
    """``film = middle + speed * (clip - clip_middle)``, all in seconds."""

    middle: float
    speed: float
    clip_middle: float

    def at(self, second: float) -> float:
        """Return the second of the film that a second of the clip shows.

        >>> ClipLine(middle=60.0, speed=1.5, clip_middle=2.0).at(4.0)
        63.0
        """
        return self.middle + self.speed * (second - self.clip_middle)


def fit_line(clip: FrameSequence, film: FrameSequence, guess: ClipLine) -> ClipLine:
    """Find the line on which the frames of a clip follow those of a film best.

    The mean of the clip is taken away first, so that an edit of all its frames does not count.
    Short clips hardly tell their speed, and most were not made faster or slower: another speed than
    1 must gain :data:`OTHER_SPEED` / seconds in mean cosine, half of it if it is near 1.

    Args:
        clip: Frames of the clip that the film shows, projected, (n, M).
        film: The film around them, projected, at least two frames.
        guess: Where to look; its speed is not believed.
    """
    speeds = np.unique(np.append(SPEEDS, 1.0))
    moments = clip.seconds - guess.clip_middle
    moves = np.arange(-REACH, REACH + STEP / 2, STEP)
    at = guess.middle + moves[None, :, None] + speeds[:, None, None] * moments
    moved = centred(clip) @ film.features.T
    matrix = moved + STILL * (clip.features @ film.features.T)
    values = read_between(matrix, at, film.seconds)
    far = np.minimum(np.abs(np.log(speeds)) / 0.2, 1)
    long = max(float(np.ptp(moments)), 1.0)
    price = np.where(np.isclose(speeds, 1.0), 0.0, OTHER_SPEED / long * (1 + far) / 2)
    total = values.mean(axis=2) - price[:, None] - NEAR * np.abs(moves)
    best, move = np.unravel_index(int(total.argmax()), total.shape)
    return ClipLine(guess.middle + float(moves[move]), float(speeds[best]), guess.clip_middle)


def centred(clip: FrameSequence) -> F32:
    """Return the features of a clip without their mean, (n, M)."""
    return np.asarray(clip.features - clip.features.mean(axis=0), np.float32)


def read_between(matrix: F32, moments: F64, seconds: F64) -> F32:
    """Read a matrix between its columns.

    Args:
        matrix: A row for each frame of a clip, a column for each frame of a film, (n, m), m > 1.
        moments: Seconds of the film, (..., n).
        seconds: Of the columns, (m,).

    Returns:
        (..., n); -0.5 more than half a second outside of the film's frames.
    """
    place = np.interp(moments, seconds, np.arange(len(seconds), dtype=np.float64))
    before = np.minimum(place.astype(np.int64), len(seconds) - 2)
    weight = (place - before).astype(np.float32)
    lines = np.arange(len(matrix))
    low = matrix[lines, before]
    found = low + (matrix[lines, before + 1] - low) * weight
    outside = (moments < seconds[0] - 0.5) | (moments > seconds[-1] + 0.5)
    found[outside] = -0.5
    return np.asarray(found, np.float32)
