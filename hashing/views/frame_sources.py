"""Where a view's frames come from: the clip, candidates of its segments, augmented copies of it."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_augmented(
    videos: int, *, num_augmented: int, num_frames: int | None, generator: torch.Generator
) -> Tensor:
    """Draw which augmented copy each view shows; the two views of a video show different ones.

    Args:
        videos: B.
        num_augmented: V, at least 2.
        num_frames: S for a draw of its own for each frame, which the two views may share; ``None``
            for one draw a view: temporally consistent.
        generator: Source of chance.

    Returns:
        Numbers of copies, first views before second views, (2B, 1), or (2B, S).
    """
    if num_frames is not None:
        return torch.randint(num_augmented, (2 * videos, num_frames), generator=generator)
    first = torch.randint(num_augmented, (videos, 1), generator=generator)
    step = torch.randint(1, num_augmented, (videos, 1), generator=generator)
    return torch.cat([first, (first + step) % num_augmented])


def gather_views(
    frames: Tensor,
    candidates: Tensor | None,
    augmented: Tensor | None,
    *,
    video_indices: Tensor,
    frame_indices: Tensor,
    augmented_indices: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """Return the frames of each view, (X, S, M).

    A store has augmented copies of its frames, not of their candidates: a candidate is moved as
    augmentation moved the frame of its segment.

    Args:
        frames: (B, T, M).
        candidates: Several frames of each segment, (B, T, C, M); one is drawn for each place.
        augmented: (B, V, T, M).
        video_indices: Whose frames each view shows, (X,).
        frame_indices: Which, (X, S).
        augmented_indices: From which copies, (X, 1) or (X, S); ``None`` for none.
        generator: Source of chance.
    """
    who = video_indices[:, None]
    moved = (
        None
        if augmented is None or augmented_indices is None
        else augmented[who, augmented_indices, frame_indices]
    )
    if candidates is None:
        return frames[who, frame_indices] if moved is None else moved
    choice = torch.randint(candidates.shape[2], frame_indices.shape, generator=generator)
    views = candidates[who, frame_indices, choice.to(frame_indices.device)]
    return views if moved is None else views + (moved - frames[who, frame_indices])
