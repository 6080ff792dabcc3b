"""A frame sampler of your own: frames of the first ten seconds only.

Use: chainpipe extract videos/ --plugin my_sampler.py --sampling opening
"""

from __future__ import annotations

import numpy as np

from chainpipe.plugins import register

SECONDS = 10.0


@register.sampler("opening")
def opening(
    seconds: np.ndarray, duration: float, frames: int, rng: np.random.Generator
) -> np.ndarray:
    """Return T evenly spread frames of the opening of a video.

    Args:
        seconds: When each of the N frames is shown, (N,).
        duration: When the last one ends.
        frames: T.
        rng: Random number generator; not used here.
    """
    count = max(1, int(np.searchsorted(seconds, SECONDS)))
    return (2 * np.arange(frames) + 1) * count // (2 * frames)
