"""Where a view's frames come from: the clip, candidates of its segments, augmented copies of it."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_copies(
    videos: int, *, copies: int, frames: int | None, generator: torch.Generator
) -> Tensor:
    """Draw which augmented copy each view shows; the two views of a video show different ones.

    Args:
        videos: B.
        copies: V, at least 2.
        frames: S for a draw of its own for each frame, which the two views may share; ``None``
            for one draw a view: temporally consistent.
        generator: Source of chance.

    Returns:
        Numbers of copies, first views before second views, (2B, 1), or (2B, S).
    """
    if frames is not None:
        return torch.randint(copies, (2 * videos, frames), generator=generator)
    first = torch.randint(copies, (videos, 1), generator=generator)
    step = torch.randint(1, copies, (videos, 1), generator=generator)
    return torch.cat([first, (first + step) % copies])


def show(
    frames: Tensor,
    candidates: Tensor | None,
    copies: Tensor | None,
    *,
    owners: Tensor,
    places: Tensor,
    drawn: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """Return the frames of each view, (X, S, M).

    A store has augmented copies of its frames, not of their candidates: a candidate is moved as
    augmentation moved the frame of its segment.

    Args:
        frames: (N, T, M).
        candidates: Several frames of each segment, (N, T, C, M); one is drawn for each place.
        copies: (N, V, T, M).
        owners: Whose frames each view shows, (X,).
        places: Which, (X, S).
        drawn: From which copies, (X, 1) or (X, S); ``None`` for none.
        generator: Source of chance.
    """
    who = owners[:, None]
    moved = None if copies is None or drawn is None else copies[who, drawn, places]
    if candidates is None:
        return frames[who, places] if moved is None else moved
    choice = torch.randint(candidates.shape[2], places.shape, generator=generator)
    shown = candidates[who, places, choice.to(places.device)]
    return shown if moved is None else shown + (moved - frames[who, places])
