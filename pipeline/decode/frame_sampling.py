"""Sample T frame indices of a video: arithmetic only, no file is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..records import Registry

Indices = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

# A moment this little before a frame's own is rounding: products of times differ in the last digit.
SLACK = 1e-7  # seconds


def uniform_indices(total: int, frames: int) -> Indices:
    """Return the middle frames of ``frames`` equal runs of a video.

    The i-th is ``floor((2i + 1) * total / (2 * frames))``. A video of fewer frames than asked
    gives some of them more than once.

    Args:
        total: N, the number of shown frames.
        frames: T, how many are wanted.

    Returns:
        Frame numbers in presentation order, never falling, (T,).

    Raises:
        ValueError: If either number is below 1.

    Example:
        >>> uniform_indices(10, 5).tolist()
        [1, 3, 5, 7, 9]
        >>> uniform_indices(2, 3).tolist()
        [0, 1, 1]
    """
    _check(total, frames)
    return (2 * np.arange(frames, dtype=np.int64) + 1) * total // (2 * frames)


def uniform_by_time(seconds: Seconds, duration: float, frames: int) -> Indices:
    """Return the frames that are on the screen in the middle of ``frames`` equal spans of time.

    With a constant frame rate this is :func:`uniform_indices`; with a variable one it is not.

    Args:
        seconds: When each frame appears, rising from 0, (N,).
        duration: When the last frame disappears.
        frames: T, how many are wanted.

    Returns:
        Frame numbers in presentation order, never falling, (T,).

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> uniform_by_time(np.array([0.0, 1.0, 9.0]), 10.0, 5).tolist()  # at 1, 3, 5, 7, 9
        [1, 1, 1, 1, 2]
    """
    _check(len(seconds), frames)
    return on_screen(seconds, (2 * np.arange(frames) + 1) * duration / (2 * frames))


def stepped_by_time(seconds: Seconds, duration: float, step: float) -> Indices:
    """Return the frames on the screen in the middle of spans of ``step`` seconds, each once.

    Args:
        seconds: When each frame appears, rising from 0, (N,).
        duration: When the last frame disappears; a last span counts from half its length on.
        step: Length of a span in seconds.

    Returns:
        Frame numbers in presentation order, rising, at least one.

    Raises:
        ValueError: If there is no frame.

    Example:
        >>> stepped_by_time(np.array([0.0, 1.0, 9.0]), 10.0, 4.0).tolist()  # at 2, 6, 10
        [1, 2]
    """
    _check(len(seconds), 1)
    count = max(1, int(duration / step + 0.5))
    return np.unique(on_screen(seconds, (np.arange(count, dtype=np.float64) + 0.5) * step))


def segment_indices(total: int, frames: int, rng: np.random.Generator) -> Indices:
    """Return one random frame of each of ``frames`` equal runs of a video, (T,).

    Where there are fewer frames than runs, a run shares its frame with its neighbours.

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> segment_indices(100, 4, np.random.default_rng(0)).tolist()
        [21, 40, 62, 81]
    """
    _check(total, frames)
    edges = np.arange(frames + 1, dtype=np.int64) * total // frames
    first, after = edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)
    return np.asarray(rng.integers(first, after), np.int64)


def segment_by_time(
    seconds: Seconds, duration: float, frames: int, rng: np.random.Generator
) -> Indices:
    """Return the frames on the screen at one random moment of each of equal spans of time, (T,).

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> segment_by_time(np.arange(100.0), 100.0, 4, np.random.default_rng(0)).tolist()
        [15, 31, 51, 75]
    """
    _check(len(seconds), frames)
    return on_screen(seconds, (np.arange(frames) + rng.random(frames)) * duration / frames)


def random_indices(total: int, frames: int, rng: np.random.Generator) -> Indices:
    """Return random frames, rising; none twice where there are enough, (T,).

    Of fewer frames than asked each is taken, and some more than once.

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> random_indices(100, 4, np.random.default_rng(0)).tolist()
        [26, 50, 62, 82]
    """
    _check(total, frames)
    if total < frames:
        return uniform_indices(total, frames)
    return np.sort(rng.choice(total, frames, replace=False, shuffle=False)).astype(np.int64)


def random_by_time(
    seconds: Seconds, duration: float, frames: int, rng: np.random.Generator
) -> Indices:
    """Return random frames, each as likely as it is long on the screen; rising, (T,).

    None comes twice where there are enough that are on the screen at all.

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> random_by_time(np.arange(100.0), 100.0, 4, np.random.default_rng(0)).tolist()
        [1, 4, 26, 63]
    """
    _check(len(seconds), frames)
    lengths = np.maximum(np.diff(seconds, append=duration), 0)
    if np.count_nonzero(lengths) < frames:
        return random_indices(len(seconds), frames, rng)
    chosen = rng.choice(len(seconds), frames, replace=False, p=lengths / lengths.sum())
    return np.sort(chosen).astype(np.int64)


def consecutive_indices(total: int, frames: int, rng: np.random.Generator) -> Indices:
    """Return ``frames`` frames in a row from a random one on; the last repeats if too few, (T,).

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> consecutive_indices(100, 4, np.random.default_rng(0)).tolist()
        [82, 83, 84, 85]
    """
    _check(total, frames)
    first = int(rng.integers(max(1, total - frames + 1)))
    return np.minimum(first + np.arange(frames, dtype=np.int64), total - 1)


def consecutive_by_time(
    seconds: Seconds, duration: float, frames: int, rng: np.random.Generator
) -> Indices:
    """Return ``frames`` frames in a row from the one on the screen at a random moment on, (T,).

    Raises:
        ValueError: If there is no frame, or ``frames`` is below 1.

    Example:
        >>> consecutive_by_time(np.arange(100.0), 100.0, 4, np.random.default_rng(0)).tolist()
        [61, 62, 63, 64]
    """
    _check(len(seconds), frames)
    room = max(0, len(seconds) - frames)  # the last frame that may be the first
    latest = float(seconds[room + 1]) if room + 1 < len(seconds) else duration
    first = min(room, int(on_screen(seconds, np.array([rng.random() * latest]))[0]))
    return np.minimum(first + np.arange(frames, dtype=np.int64), len(seconds) - 1)


def nearest(places: npt.NDArray[np.number], wanted: npt.NDArray[np.number]) -> Indices:
    """Return for each wanted place the index of the nearest one, of two the earlier, (n,).

    Args:
        places: Rising, at least one, (m,).
        wanted: In any order, (n,).

    Example:
        >>> nearest(np.array([0, 1, 6]), np.array([1, 3, 4, 9])).tolist()
        [1, 1, 2, 2]
    """
    after = np.clip(np.searchsorted(places, wanted), 0, len(places) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(places[after] - wanted) < np.abs(places[before] - wanted)
    return np.asarray(np.where(nearer, after, before), np.int64)


def on_screen(seconds: Seconds, selection: Seconds) -> Indices:
    """Return the frame that is on the screen at each moment, (n,)."""
    shown = np.searchsorted(seconds, selection + SLACK, side="right") - 1
    return np.clip(shown, 0, len(seconds) - 1).astype(np.int64)


def _check(total: int, frames: int) -> None:
    if total < 1 or frames < 1:
        raise ValueError(f"a sample needs at least one frame of one, got {frames} of {total}")


Draw = Callable[[Seconds, float, int, np.random.Generator], Indices]


@dataclass(frozen=True, slots=True)
class Sampler:
    """A way to choose T frames of N: functions of (seconds (N,), duration, T, rng), both (T,).

    Attributes:
        by_index: Where moments are counted in frames.
        by_time: Where they are counted in seconds.
    """

    by_index: Draw
    by_time: Draw


def _counted(draw: Callable[[int, int, np.random.Generator], Indices]) -> Draw:
    return lambda seconds, duration, frames, rng: draw(len(seconds), frames, rng)


_UNIFORM = Sampler(
    lambda seconds, duration, frames, rng: uniform_indices(len(seconds), frames),
    lambda seconds, duration, frames, rng: uniform_by_time(seconds, duration, frames),
)
SAMPLERS: Registry[Sampler] = Registry(
    "sampling",
    {
        "uniform": _UNIFORM,
        "segment": Sampler(_counted(segment_indices), segment_by_time),
        "random": Sampler(_counted(random_indices), random_by_time),
        "consecutive": Sampler(_counted(consecutive_indices), consecutive_by_time),
        "keyframe": _UNIFORM,  # where the reader knows no key frames
    },
)


def draw_frames(
    name: str,
    seconds: Seconds,
    duration: float,
    *,
    frames: int,
    by_time: bool,
    rng: np.random.Generator,
) -> Indices:
    """Return the frames that a sampler chooses, checked, (T,).

    Args:
        name: Of the sampler.
        seconds: When each frame appears, (N,).
        duration: When the last frame disappears.
        frames: T.
        by_time: Whether moments are counted in seconds.
        rng: Random number generator.

    Raises:
        ValueError: If there is no such sampler, or a plug-in's returns something else.
    """
    if name not in SAMPLERS:
        raise ValueError(f"no sampling is called {name}")
    sampler = SAMPLERS[name]
    draw = sampler.by_time if by_time else sampler.by_index
    found = np.asarray(draw(seconds, duration, frames, rng))
    whole = found.shape == (frames,) and np.issubdtype(found.dtype, np.integer)
    if not whole or found.min() < 0 or found.max() >= len(seconds) or (np.diff(found) < 0).any():
        wanted = f"{frames} rising numbers of {len(seconds)} frames"
        raise ValueError(f"the sampler `{name}` must return {wanted}, not {found!r}")
    return found.astype(np.int64)
