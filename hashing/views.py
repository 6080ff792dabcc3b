"""The two views of each video of a batch: drawn from the training clips, then changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hashing.augment import Mode, draw_views, keep_frames, shared_feature_mask, shared_noise


@dataclass(frozen=True, slots=True, repr=False)
class Clips:
    """All training videos behind the fixed front.

    Attributes:
        frames: (N, T, M).
        means: Mean over the frames, (N, M).
        spread: Standard deviation of each of the M numbers, (M,).
        scenes: Scene number of each frame, (N, T), or ``None`` when no task needs them.
    """

    frames: Tensor
    means: Tensor
    spread: Tensor
    scenes: Tensor | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        n, t, m = self.frames.shape
        return f"Clips({n} videos x {t} frames x {m})"


@dataclass(frozen=True, slots=True)
class Views:
    """First views of the B videos, then second views.

    Attributes:
        clips: (2B, S, M).
        shown: Which frames are not hidden, (2B, S), or ``None`` for all.
        owners: Number of the video that each view shows, (2B,).
        places: Place in the video of each frame, (2B, S).
    """

    clips: Tensor
    shown: Tensor | None
    owners: Tensor
    places: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewMaker:
    """Draws and changes views.

    Attributes:
        mode: How frames are chosen.
        length: S, frames of a view.
        window: Frames that they are drawn from, in mode ``halves``.
        noise: Shared noise, in standard deviations of each feature.
        drop_features: Share of features hidden in a whole view.
        drop_frames: Share of frames hidden.
    """

    mode: Mode
    length: int
    window: int
    noise: float
    drop_features: float
    drop_frames: float

    def __call__(
        self, clips: Clips, rows: Tensor, partners: Tensor, generator: torch.Generator
    ) -> Views:
        """Make a view of each video ``rows`` (B,) and one of each of its partners (B,)."""
        device = clips.frames.device
        owners = torch.cat([rows, partners])  # (2B,)
        places = torch.cat(
            draw_views(
                self.mode,
                videos=len(rows),
                frames=clips.frames.shape[1],
                length=self.length,
                window=self.window,
                generator=generator,
            )
        ).to(device)  # (2B, S)
        shown = clips.frames[owners[:, None], places]  # (2B, S, M)
        return Views(
            self._changed(shown, clips.spread, generator),
            self._kept(len(owners), device, generator),
            owners,
            places,
        )

    def _changed(self, clips: Tensor, spread: Tensor, generator: torch.Generator) -> Tensor:
        if self.noise:
            clips = shared_noise(clips, amount=self.noise, spread=spread, generator=generator)
        if self.drop_features:
            clips = shared_feature_mask(clips, share=self.drop_features, generator=generator)
        return clips

    def _kept(self, views: int, device: torch.device, generator: torch.Generator) -> Tensor | None:
        if not self.drop_frames:
            return None
        kept = keep_frames(views, self.length, share=self.drop_frames, generator=generator)
        return kept.to(device)
