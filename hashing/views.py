"""The two views of each video of a batch: drawn from the training clips, then changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hashing.augment import (
    Mode,
    draw_views,
    keep_frames,
    mix_frames,
    others_of_scene,
    resample,
    shared_feature_mask,
    shared_noise,
)
from hashing.copies import draw_copies, show
from hashing.shifts import Shifts, draw_shifts


@dataclass(frozen=True, slots=True, repr=False)
class Clips:
    """All training videos behind the fixed front.

    Attributes:
        frames: (N, T, M).
        means: Mean over the frames, (N, M).
        spread: Standard deviation of each of the M numbers, (M,).
        scenes: Scene number of each frame, (N, T), or ``None`` when nothing needs them.
        candidates: Several frames of each segment, (N, T, C, M), where views are drawn from them.
        copies: Augmented copies of the clips, (N, V, T, M), V at least 2, likewise.
        shifts: How augmentation moves frames, where views are moved so.
    """

    frames: Tensor
    means: Tensor
    spread: Tensor
    scenes: Tensor | None = None
    candidates: Tensor | None = None
    copies: Tensor | None = None
    shifts: Shifts | None = None

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
        resample: The most places that a frame is taken from elsewhere.
        mix: The most that a frame takes of another one of its scene.
        shift: Shifts as measured, times this.
        per_frame: Whether each frame comes from an augmented copy of its own.
    """

    mode: Mode
    length: int
    window: int
    noise: float
    drop_features: float
    drop_frames: float
    resample: int = 0
    mix: float = 0.0
    shift: float = 0.0
    per_frame: bool = False

    def __call__(
        self, clips: Clips, rows: Tensor, partners: Tensor, generator: torch.Generator
    ) -> Views:
        """Make a view of each video ``rows`` (B,) and one of each of its partners (B,)."""
        device = clips.frames.device
        owners = torch.cat([rows, partners])  # (2B,)
        places = self._places(len(rows), clips.frames.shape[1], generator).to(device)
        shown = self._shown(clips, owners, places, generator)  # (2B, S, M)
        return Views(
            self._changed(shown, clips, generator),
            self._kept(len(owners), device, generator),
            owners,
            places,
        )

    def _places(self, videos: int, frames: int, generator: torch.Generator) -> Tensor:
        """Draw which frames are shown, (2B, S)."""
        drawn = draw_views(
            self.mode,
            videos=videos,
            frames=frames,
            length=self.length,
            window=self.window,
            generator=generator,
        )
        places = torch.cat(drawn)
        if self.resample:
            places = resample(places, frames=frames, reach=self.resample, generator=generator)
        return places

    def _shown(
        self, clips: Clips, owners: Tensor, places: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Fetch the frames of the views, (2B, S, M), from where they are drawn."""
        drawn = None
        if clips.copies is not None:
            drawn = draw_copies(
                len(owners) // 2,
                copies=clips.copies.shape[1],
                frames=self.length if self.per_frame else None,
                generator=generator,
            ).to(places.device)

        def fetch(wanted: Tensor) -> Tensor:
            return show(
                clips.frames,
                clips.candidates,
                clips.copies,
                owners=owners,
                places=wanted,
                drawn=drawn,
                generator=generator,
            )

        shown = fetch(places)
        if self.mix and clips.scenes is not None:
            others = others_of_scene(places, clips.scenes[owners], generator)
            shown = mix_frames(shown, fetch(others), most=self.mix, generator=generator)
        return shown

    def _changed(self, shown: Tensor, clips: Clips, generator: torch.Generator) -> Tensor:
        if self.shift and clips.shifts is not None:
            views, frames, _ = shown.shape
            drawn = draw_shifts(clips.shifts, views=views, frames=frames, generator=generator)
            shown = shown + self.shift * drawn
        if self.noise:
            shown = shared_noise(shown, amount=self.noise, spread=clips.spread, generator=generator)
        if self.drop_features:
            shown = shared_feature_mask(shown, share=self.drop_features, generator=generator)
        return shown

    def _kept(self, views: int, device: torch.device, generator: torch.Generator) -> Tensor | None:
        if not self.drop_frames:
            return None
        kept = keep_frames(views, self.length, share=self.drop_frames, generator=generator)
        return kept.to(device)
