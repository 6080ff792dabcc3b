"""The two views of each video of a batch: drawn from the training clips, then changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ..data.augmentation_shifts import Shifts, draw_shifts
from ..data.disk_array import Splittable
from ..runtime.units import shown_size
from .augmentations import (
    Mode,
    clip_noise,
    draw_frame_mask,
    draw_views,
    feature_dropout,
    mixup_frames,
    same_scene_frames,
    temporal_jitter,
)
from .frame_sources import draw_augmented, gather_views


@dataclass(frozen=True, slots=True, repr=False)
class Clips:
    """All training videos behind the fixed front.

    Attributes:
        frames: (B, T, M).
        means: Mean over the frames, (B, M).
        std: Standard deviation of each of the M numbers, (M,).
        scenes: Scene number of each frame, (B, T), or ``None`` when nothing needs them.
        candidates: Several frames of each segment, (B, T, C, M), where views are drawn from them.
        augmented: Augmented copies of the clips, (B, V, T, M), V at least 2, likewise.
        shifts: How augmentation moves frames, where views are moved so.
    """

    frames: Tensor
    means: Tensor
    std: Tensor
    scenes: Tensor | None = None
    candidates: Tensor | None = None
    augmented: Tensor | None = None
    shifts: Shifts | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"Clips({n} videos x {t} frames x {m})"

    @property
    def device(self) -> torch.device:
        """Where the frames are."""
        return self.frames.device

    @property
    def where(self) -> str:
        """Say where the frames are."""
        place = "in memory" if self.device.type == "cpu" else "on the GPU"
        return f"{shown_size(self.frames.nbytes)} of training frames are {place}"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, (n, T, M)."""
        yield from torch.split(self.frames, size)

    def gather(self, parts: Iterable[Tensor]) -> Tensor:
        """Join parts (n, X), a row a video."""
        return torch.cat([*parts])

    def with_scenes(self, scenes: Tensor) -> Clips:
        """Return the same videos with other scenes, (B, T)."""
        return replace(self, scenes=scenes)

    def prefetch(self, start: int, count: int) -> None:
        """Do nothing: all videos are here."""

    def batch(self, rows: Tensor, positive_indices: Tensor, neighbours: Tensor | None) -> Batch:
        """Return all videos, and the numbers as they are."""
        return Batch(self, rows, positive_indices, neighbours)


@dataclass(frozen=True, slots=True)
class Batch:
    """What an objective is called with.

    Attributes:
        clips: The batch's videos, perhaps among others.
        rows: Which of them the batch holds, (B,).
        positive_indices: Whose frames each second view shows, (B,).
        neighbours: Neighbours of every video, or ``None``.
    """

    clips: Clips
    rows: Tensor
    positive_indices: Tensor
    neighbours: Tensor | None


class TrainingClips(Protocol):
    """All training videos, wherever they lie: :class:`Clips` or those of :mod:`storedclips`."""

    def __len__(self) -> int: ...

    @property
    def device(self) -> torch.device:
        """Where tables of video numbers are kept."""
        ...

    @property
    def where(self) -> str:
        """Say where the frames are."""
        ...

    @property
    def frames(self) -> Splittable:
        """All frames, (B, T, M)."""
        ...

    @property
    def means(self) -> Splittable:
        """Mean over the frames, (B, M)."""
        ...

    @property
    def scenes(self) -> Tensor | None:
        """Scene number of each frame, (B, T), or ``None``."""
        ...

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, (n, T, M)."""
        ...

    def gather(self, parts: Iterable[Tensor]) -> Splittable:
        """Join parts (n, X), a row a video."""
        ...

    def with_scenes(self, scenes: Tensor) -> TrainingClips:
        """Return the same videos with other scenes, (B, T)."""
        ...

    def prefetch(self, start: int, count: int) -> None:
        """Tell the system which videos' frames will be read soon."""
        ...

    def batch(self, rows: Tensor, positive_indices: Tensor, neighbours: Tensor | None) -> Batch:
        """Return what the objective is called with."""
        ...


@dataclass(frozen=True, slots=True)
class Views:
    """First views of the B videos, then second views.

    Attributes:
        clips: (2B, S, M).
        frame_mask: Which frames are not hidden, (2B, S), or ``None`` for all.
        video_indices: Number of the video that each view shows, (2B,).
        frame_indices: Place in the video of each frame, (2B, S).
    """

    clips: Tensor
    frame_mask: Tensor | None
    video_indices: Tensor
    frame_indices: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewMaker:
    """Draws and changes views.

    Attributes:
        mode: How frames are chosen.
        length: S, frames of a view.
        window: Frames that they are drawn from, in mode ``halves``.
        noise: Shared noise, in standard deviations of each feature.
        feature_dropout_p: Share of features hidden in a whole view.
        frame_dropout_p: Share of frames hidden.
        temporal_jitter: The most places that a frame is taken from elsewhere.
        scene_mixup: The most that a frame takes of another one of its scene.
        shift: Shifts as measured, times this.
        per_frame: Whether each frame comes from an augmented copy of its own.
    """

    mode: Mode
    length: int
    window: int
    noise: float
    feature_dropout_p: float
    frame_dropout_p: float
    temporal_jitter: int = 0
    scene_mixup: float = 0.0
    shift: float = 0.0
    per_frame: bool = False

    def __call__(
        self, clips: Clips, rows: Tensor, positive_indices: Tensor, generator: torch.Generator
    ) -> Views:
        """Make a view of each video ``rows`` (B,) and one of each of its partners (B,)."""
        device = clips.frames.device
        video_indices = torch.cat([rows, positive_indices])  # (2B,)
        frame_indices = self._frame_indices(len(rows), clips.frames.shape[1], generator).to(device)
        views = self._gather(clips, video_indices, frame_indices, generator)  # (2B, S, M)
        return Views(
            self._augment(views, clips, generator),
            self._frame_mask(len(video_indices), device, generator),
            video_indices,
            frame_indices,
        )

    def _frame_indices(self, videos: int, num_frames: int, generator: torch.Generator) -> Tensor:
        """Draw which frames are shown, (2B, S)."""
        drawn = draw_views(
            self.mode,
            videos=videos,
            num_frames=num_frames,
            length=self.length,
            window=self.window,
            generator=generator,
        )
        frame_indices = torch.cat(drawn)
        if self.temporal_jitter:
            frame_indices = temporal_jitter(
                frame_indices,
                num_frames=num_frames,
                max_offset=self.temporal_jitter,
                generator=generator,
            )
        return frame_indices

    def _gather(
        self, clips: Clips, video_indices: Tensor, frame_indices: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Fetch the frames of the views, (2B, S, M), from where they are drawn."""
        drawn = None
        if clips.augmented is not None:
            drawn = draw_augmented(
                len(video_indices) // 2,
                num_augmented=clips.augmented.shape[1],
                num_frames=self.length if self.per_frame else None,
                generator=generator,
            ).to(frame_indices.device)

        def fetch(wanted: Tensor) -> Tensor:
            return gather_views(
                clips.frames,
                clips.candidates,
                clips.augmented,
                video_indices=video_indices,
                frame_indices=wanted,
                augmented_indices=drawn,
                generator=generator,
            )

        views = fetch(frame_indices)
        if self.scene_mixup and clips.scenes is not None:
            others = same_scene_frames(frame_indices, clips.scenes[video_indices], generator)
            views = mixup_frames(
                views, fetch(others), max_weight=self.scene_mixup, generator=generator
            )
        return views

    def _augment(self, views: Tensor, clips: Clips, generator: torch.Generator) -> Tensor:
        if self.shift and clips.shifts is not None:
            count, num_frames, _ = views.shape
            drawn = draw_shifts(clips.shifts, views=count, frames=num_frames, generator=generator)
            views = views + self.shift * drawn
        if self.noise:
            views = clip_noise(views, amount=self.noise, std=clips.std, generator=generator)
        if self.feature_dropout_p:
            views = feature_dropout(views, p=self.feature_dropout_p, generator=generator)
        return views

    def _frame_mask(
        self, views: int, device: torch.device, generator: torch.Generator
    ) -> Tensor | None:
        if not self.frame_dropout_p:
            return None
        mask = draw_frame_mask(views, self.length, p=self.frame_dropout_p, generator=generator)
        return mask.to(device)
