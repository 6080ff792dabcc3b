"""Views: which frames of a clip are shown (temporal) and how their features are changed.

Every function is pure: the only source of chance is the generator that is handed in.
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
    """Return S, the frames of one view of a clip of T frames.

    Where each segment has several candidates, a view shows one of every segment. A recurrent
    encoder that learns on a few frames does not learn what it becomes after many: its views are
    half as long as the clip.

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
    """Return how many frames of a clip of T a view's S frames are drawn from, in mode ``halves``.

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
    """Draw which frames the two views of each video show.

    ``halves``: S frames of one window in each half of the clip, in random order, so that the views
    show different moments. The other modes draw both views alike: ``segment`` one frame of each
    of S equal segments, ``random`` any S frames in order, ``consecutive`` one window anywhere.

    Args:
        mode: How frames are chosen.
        videos: B.
        num_frames: T, frames of a clip.
        length: S, frames of a view, at most T.
        window: Frames that a half's window spans, S to T; the other modes have none.
        generator: Source of chance.

    Returns:
        Frame numbers of the first and of the second view, (B, S) each, ascending.
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
    """Draw a window (B, S) in the first and one in the last half; chance says which comes first.

    Windows longer than a half overlap as little as they must.
    """
    room = max(num_frames // 2, length) - length + 1
    early = torch.randint(room, (videos, 1), generator=generator)
    late = num_frames - length - torch.randint(room, (videos, 1), generator=generator)
    swap = torch.randint(2, (videos, 1), generator=generator).bool()
    steps = torch.arange(length)
    return torch.where(swap, late, early) + steps, torch.where(swap, early, late) + steps


def one_window(videos: int, num_frames: int, length: int, generator: torch.Generator) -> Tensor:
    """Draw S neighbouring frames anywhere, (B, S)."""
    starts = torch.randint(num_frames - length + 1, (videos, 1), generator=generator)
    return starts + torch.arange(length)


def one_frame_per_segment(
    videos: int, num_frames: int, length: int, generator: torch.Generator
) -> Tensor:
    """Cut T frames into S equal segments and draw one frame of each, (B, S)."""
    bounds = torch.arange(length + 1) * num_frames // length
    sizes = (bounds[1:] - bounds[:-1]).clamp(min=1)
    random = torch.rand(videos, length, generator=generator)
    return bounds[:-1] + (random * sizes).long().clamp(max=sizes - 1)


def any_frames(videos: int, num_frames: int, length: int, generator: torch.Generator) -> Tensor:
    """Draw S different frames, ascending, (B, S)."""
    shuffled = torch.rand(videos, num_frames, generator=generator).argsort(dim=1)
    return shuffled[:, :length].sort(dim=1).values


def clip_noise(clips: Tensor, *, amount: float, std: Tensor, generator: torch.Generator) -> Tensor:
    """Add one noise vector to all frames of a clip: where the whole clip stands is uncertain.

    Args:
        clips: (B, S, M).
        amount: Standard deviation of the noise, in units of ``std``.
        std: Standard deviation of each feature over the training frames, (M,).
        generator: Source of chance.
    """
    batch, _, size = clips.shape
    noise = torch.randn(batch, 1, size, generator=generator).to(clips.device)
    return clips + noise * (amount * std)


def feature_dropout(clips: Tensor, *, p: float, generator: torch.Generator) -> Tensor:
    """Set the same features to zero in all frames of a clip (B, S, M), and enlarge the rest.

    As in dropout, the expected value of every feature stays what it was.
    """
    batch, _, size = clips.shape
    stays = dropout_mask((batch, 1, size), p=p, generator=generator).to(clips.device)
    return clips * (stays / (1 - p))


def draw_frame_mask(
    videos: int, num_frames: int, *, p: float, generator: torch.Generator
) -> Tensor:
    """Draw which frames of each clip stay, (B, S) bool; at least one does."""
    random = torch.rand(videos, num_frames, generator=generator)
    return (random >= p) | (random == random.amax(dim=1, keepdim=True))


def temporal_jitter(
    frame_indices: Tensor, *, num_frames: int, max_offset: int, generator: torch.Generator
) -> Tensor:
    """Take each frame of a view from a short window around its place, still in order.

    Args:
        frame_indices: Ascending frame numbers, (B, S).
        num_frames: T, frames of the clip.
        max_offset: The most places that a frame moves.
        generator: Source of chance.

    Returns:
        Ascending frame numbers, (B, S); two may be equal.
    """
    moves = torch.randint(-max_offset, max_offset + 1, frame_indices.shape, generator=generator)
    return (frame_indices + moves).clamp(0, num_frames - 1).sort(dim=1).values


def same_scene_frames(frame_indices: Tensor, scenes: Tensor, generator: torch.Generator) -> Tensor:
    """Draw another frame of the same scene for each frame; one alone in its scene stays.

    Args:
        frame_indices: Frame numbers, (B, S).
        scenes: Scene number of each frame of the same B clips, (B, T).
        generator: Source of chance.

    Returns:
        Frame numbers, (B, S).
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
    """Move frames (B, S, M) towards others by a random share of the way, at most ``max_weight``."""
    weight = max_weight * torch.rand(*clips.shape[:2], 1, generator=generator).to(clips.device)
    return clips + weight * (others - clips)
