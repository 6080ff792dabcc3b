"""Gather the frames of views from the clip, the candidates of its segments, or augmented views."""

from __future__ import annotations

import torch
from torch import Tensor


def draw_augmented(
    videos: int, *, num_augmented: int, num_frames: int | None, generator: torch.Generator
) -> Tensor:
    """Sample the augmented view of the store that each training view takes its frames from.

    Args:
        videos: B.
        num_augmented: V, at least 2.
        num_frames: S: sample for each frame, with repetition; ``None``: sample once for all frames
            of a view (temporally consistent), different for the two views of a video.
        generator: Random number generator.

    Returns:
        Indices in V, first views before second views, (2B, 1), or (2B, S).
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
    """Gather the frames of X views, (X, S, M).

    A store has augmented views of its frames, not of their candidates: a candidate gets the shift
    that augmentation caused in the frame of its segment.

    Args:
        frames: Frames, (N, T, M).
        candidates: Candidates of each segment, (N, T, C, M), of which one is drawn; or ``None``.
        augmented: Augmented views, (N, V, T, M), or ``None``.
        video_indices: Video of each view, (X,).
        frame_indices: Frames of each view, (X, S).
        augmented_indices: Indices in V, (X, 1) or (X, S); ``None``: frames without augmentation.
        generator: Random number generator.
    """
    videos = video_indices[:, None]
    shifted = (
        None
        if augmented is None or augmented_indices is None
        else augmented[videos, augmented_indices, frame_indices]
    )
    if candidates is None:
        return frames[videos, frame_indices] if shifted is None else shifted
    choice = torch.randint(candidates.shape[2], frame_indices.shape, generator=generator)
    views = candidates[videos, frame_indices, choice.to(frame_indices.device)]
    return views if shifted is None else views + (shifted - frames[videos, frame_indices])
