"""Make the two views of each video of a batch: sample frames, then augment their features."""

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
    """First views of the B videos of a batch, then their second views.

    Attributes:
        clips: Frames of the views, (2B, S, M).
        frame_mask: True where a frame is not masked, (2B, S); ``None``: no frame is masked.
        video_indices: Video that each view is drawn from, (2B,).
        frame_indices: Index of each frame in its video, (2B, S).
    """

    clips: Tensor
    frame_mask: Tensor | None
    video_indices: Tensor
    frame_indices: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewMaker:
    """Samples and augments views.

    Attributes:
        mode: Sampling mode of frames.
        length: S, frames of a view.
        window: Length of the window that they are sampled from, in mode ``halves``.
        noise: Noise common to all frames of a view, in standard deviations of each feature.
        feature_dropout_p: Fraction of features set to zero in all frames of a view.
        frame_dropout_p: Fraction of frames that are masked.
        temporal_jitter: Maximum offset of a frame index.
        scene_mixup: Maximum mixup weight of another frame of the same scene.
        shift: Scale of the feature shifts of augmentation.
        per_frame: Whether the augmented view is sampled for each frame.
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
        """Make a view of each video ``rows`` (B,) and one of each of ``positive_indices`` (B,).

        The order of the draws (frames, augmented views, candidates, mixup, shifts, noise, dropout,
        mask) is part of what a seed means: another order gives other weights.
        """
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
        """Sample the frame indices of both views, (2B, S)."""
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
        """Gather the frames of the views, with scene mixup, (2B, S, M)."""
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
