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
    draw_views,
    keep_frames,
    mix_frames,
    others_of_scene,
    resample,
    shared_feature_mask,
    shared_noise,
)
from .frame_sources import draw_copies, show


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
        """Return the same videos with other scenes, (N, T)."""
        return replace(self, scenes=scenes)

    def announce(self, start: int, count: int) -> None:
        """Do nothing: all videos are here."""

    def batch(self, rows: Tensor, partners: Tensor, neighbours: Tensor | None) -> Batch:
        """Return all videos, and the numbers as they are."""
        return Batch(self, rows, partners, neighbours)


@dataclass(frozen=True, slots=True)
class Batch:
    """What an objective is called with.

    Attributes:
        clips: The batch's videos, perhaps among others.
        rows: Which of them the batch holds, (B,).
        partners: Whose frames each second view shows, (B,).
        neighbours: Neighbours of every video, or ``None``.
    """

    clips: Clips
    rows: Tensor
    partners: Tensor
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
        """All frames, (N, T, M)."""
        ...

    @property
    def means(self) -> Splittable:
        """Mean over the frames, (N, M)."""
        ...

    @property
    def scenes(self) -> Tensor | None:
        """Scene number of each frame, (N, T), or ``None``."""
        ...

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield the frames of all videos in order, (n, T, M)."""
        ...

    def gather(self, parts: Iterable[Tensor]) -> Splittable:
        """Join parts (n, X), a row a video."""
        ...

    def with_scenes(self, scenes: Tensor) -> TrainingClips:
        """Return the same videos with other scenes, (N, T)."""
        ...

    def announce(self, start: int, count: int) -> None:
        """Tell the system which videos' frames will be read soon."""
        ...

    def batch(self, rows: Tensor, partners: Tensor, neighbours: Tensor | None) -> Batch:
        """Return what the objective is called with."""
        ...


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
