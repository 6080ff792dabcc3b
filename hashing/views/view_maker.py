"""The two views of each video of a batch: drawn from the training clips, then changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.augmentation_shifts import draw_shifts
from ..data.clips import Clips
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
