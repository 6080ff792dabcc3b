"""View augmentations: temporal sampling of frames, and noise, dropout and mixup of features.

Every function is pure: all random numbers come from the generator that is passed in. Generators
are on the CPU, so that the numbers do not depend on the training device.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ..runtime.seeding import dropout_mask

Mode = Literal["halves", "segment", "random", "consecutive"]


def view_length(
    mode: Mode,
    num_frames: int,
    wanted: int | Literal["auto"],
    *,
    candidates: bool = False,
    recurrent: bool = False,
) -> int:
    """Return S, the number of frames of a view of a clip of T frames.

    Where each segment has several candidates, a view has one frame of every segment. A recurrent
    encoder trained on few frames does not generalize to long clips: its views have T / 2 frames.

    >>> view_length("halves", 25, "auto"), view_length("segment", 25, "auto")
    (4, 12)
    """
    if wanted != "auto":
        return wanted
    if candidates:
        return num_frames
    if mode == "segment" or recurrent:
        return max(1, num_frames // 2)
    return (
        max(1, num_frames // 6, min(4, num_frames // 3))
        if mode == "halves"
        else max(1, num_frames // 3)
    )


def window_length(num_frames: int, wanted: int | Literal["auto"], *, length: int) -> int:
    """Return the length of the window that a view's S frames are sampled from, in mode ``halves``.

    >>> window_length(25, "auto", length=4)
    8
    """
    return max(length, num_frames // 3 if wanted == "auto" else wanted)


def draw_views(
    mode: Mode,
    *,
    videos: int,
    num_frames: int,
    length: int,
    window: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Sample the frames of the two views of each video.

    ``halves``: S frames of one window in each half of the clip; which half is the first view is
    random. The other modes sample both views from the same distribution: ``segment`` one frame of
    each of S equal segments, ``random`` any S frames, ``consecutive`` one window anywhere.

    Args:
        mode: Sampling mode.
        videos: B.
        num_frames: T, frames of a clip.
        length: S, frames of a view, at most T.
        window: Length of the window, S to T; mode ``halves`` only.
        generator: Random number generator.

    Returns:
        Frame indices of the first and of the second view, (B, S) each, ascending.
    """
    if mode == "halves":
        starts = two_halves(videos, num_frames, window, generator)
        first, second = (
            start[:, :1] + any_frames(videos, window, length, generator) for start in starts
        )
        return first, second
    draw = {"segment": one_frame_per_segment, "random": any_frames, "consecutive": one_window}[mode]
    return draw(videos, num_frames, length, generator), draw(videos, num_frames, length, generator)


def two_halves(
    videos: int, num_frames: int, length: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Sample a window (B, S) in each half of the clip, returned in random order.

    Windows longer than a half overlap as little as possible.
    """
    room = max(num_frames // 2, length) - length + 1
    early = torch.randint(room, (videos, 1), generator=generator)
    late = num_frames - length - torch.randint(room, (videos, 1), generator=generator)
    swap = torch.randint(2, (videos, 1), generator=generator).bool()
    steps = torch.arange(length)
    return torch.where(swap, late, early) + steps, torch.where(swap, early, late) + steps


def one_window(videos: int, num_frames: int, length: int, generator: torch.Generator) -> Tensor:
    """Sample S consecutive frames, (B, S)."""
    starts = torch.randint(num_frames - length + 1, (videos, 1), generator=generator)
    return starts + torch.arange(length)


def one_frame_per_segment(
    videos: int, num_frames: int, length: int, generator: torch.Generator
) -> Tensor:
    """Sample one frame of each of S equal segments of T frames, (B, S)."""
    bounds = torch.arange(length + 1) * num_frames // length
    sizes = (bounds[1:] - bounds[:-1]).clamp(min=1)
    random = torch.rand(videos, length, generator=generator)
    return bounds[:-1] + (random * sizes).long().clamp(max=sizes - 1)


def any_frames(videos: int, num_frames: int, length: int, generator: torch.Generator) -> Tensor:
    """Sample S different frames, ascending, (B, S)."""
    shuffled = torch.rand(videos, num_frames, generator=generator).argsort(dim=1)
    return shuffled[:, :length].sort(dim=1).values


def clip_noise(clips: Tensor, *, amount: float, std: Tensor, generator: torch.Generator) -> Tensor:
    """Add Gaussian noise to clips, the same to all frames of a clip.

    Noise of each frame would average out over the frames of a view, and so over its code.

    Args:
        clips: Frames, (B, S, M).
        amount: Standard deviation of the noise, in units of ``std``.
        std: Standard deviation of each feature over the training frames, (M,).
        generator: Random number generator.
    """
    batch, _, size = clips.shape
    noise = torch.randn(batch, 1, size, generator=generator).to(clips.device)
    return clips + noise * (amount * std)


def feature_dropout(clips: Tensor, *, p: float, generator: torch.Generator) -> Tensor:
    """Apply dropout to the features of clips (B, S, M), with one mask for all frames of a clip.

    The kept features are scaled by 1 / (1 - p), so that expected values do not change.
    """
    batch, _, size = clips.shape
    stays = dropout_mask((batch, 1, size), p=p, generator=generator).to(clips.device)
    return clips * (stays / (1 - p))


def draw_frame_mask(
    videos: int, num_frames: int, *, p: float, generator: torch.Generator
) -> Tensor:
    """Draw a frame mask, (B, S) bool: true where a frame is kept; at least one of each clip is."""
    random = torch.rand(videos, num_frames, generator=generator)
    return (random >= p) | (random == random.amax(dim=1, keepdim=True))


def temporal_jitter(
    frame_indices: Tensor, *, num_frames: int, max_offset: int, generator: torch.Generator
) -> Tensor:
    """Add a random offset to each frame index of a view, and sort.

    Args:
        frame_indices: Ascending frame indices, (B, S).
        num_frames: T, frames of the clip.
        max_offset: Maximum absolute offset.
        generator: Random number generator.

    Returns:
        Ascending frame indices, (B, S); two may be equal.
    """
    offsets = torch.randint(-max_offset, max_offset + 1, frame_indices.shape, generator=generator)
    return (frame_indices + offsets).clamp(0, num_frames - 1).sort(dim=1).values


def same_scene_frames(frame_indices: Tensor, scenes: Tensor, generator: torch.Generator) -> Tensor:
    """Sample another frame of the same scene for each frame; the frame itself if it has none.

    Args:
        frame_indices: Frame indices, (B, S).
        scenes: Scene index of each frame of the same B clips, (B, T).
        generator: Random number generator.

    Returns:
        Frame indices, (B, S).
    """
    frames = torch.arange(scenes.shape[1], device=frame_indices.device)
    same = scenes[:, None, :] == scenes.gather(1, frame_indices)[:, :, None]  # (B, S, T)
    other = same & (frames != frame_indices[:, :, None])
    random = torch.rand(same.shape, generator=generator).to(frame_indices.device)
    drawn = random.masked_fill(~other, -1.0).argmax(dim=2)
    return torch.where(other.any(dim=2), drawn, frame_indices)


def mixup_frames(
    clips: Tensor, others: Tensor, *, max_weight: float, generator: torch.Generator
) -> Tensor:
    """Mix frames (B, S, M) with others (mixup); their weight is uniform in [0, max_weight]."""
    weight = max_weight * torch.rand(*clips.shape[:2], 1, generator=generator).to(clips.device)
    return clips + weight * (others - clips)
