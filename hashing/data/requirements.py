"""Check what a config requires of a store: number of frames, candidates, augmented views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import AugmentationStatistics, StoreMeta

from ..config import Auto, Config
from ..config.losses import OrderConfig


class Material(Protocol):
    """Interface of a store's metadata that the checks need; ``TrainingFrames`` has it."""

    meta: StoreMeta

    def augmentation(self) -> AugmentationStatistics | None:
        """Return the measured statistics of feature shifts, or ``None``."""
        ...


@dataclass(frozen=True, slots=True)
class CachedInputs:
    """Arrays of a store, beside the frames, that views are drawn from.

    Attributes:
        candidates: Whether candidate frames of each segment are used.
        augmented: Whether spatially augmented views of the clips are used.
        shift: Whether the measured statistics of augmentation are used.
    """

    candidates: bool
    augmented: bool
    shift: bool

    def describe(self, material: Material) -> str:
        """Describe what is used and how it was made, in one line; ``""`` for nothing.

        Model folders store this text, and resuming compares it: changed wording would refuse to
        resume older runs.
        """
        meta, measured = material.meta, material.augmentation() if self.shift else None
        parts = []
        if self.candidates:
            parts.append(f"{meta.per_segment} candidates a segment")
        if self.augmented:
            made = f"{meta.augmentation}; seed {meta.seed}"
            parts.append(f"{meta.views} {meta.views_mode} copies ({made})")
        if measured is not None:
            made = f"{measured.augmentation}; {measured.mode}; seed {measured.seed}"
            parts.append(f"shifts measured on {measured.videos} videos ({made})")
        return ", ".join(parts)


def cached_material(config: Config, material: Material) -> CachedInputs:
    """Choose the arrays that views are drawn from.

    Raises:
        UsageError: If the config requires an array that the store does not have.
    """
    views, meta = config.views, material.meta
    if views.spatial == "on" and not meta.views:
        raise UsageError(
            "`views.spatial` is `on`, but the store has no augmented views",
            hint="`chainpipe extract --views 2` stores them",
        )
    if views.shift and material.augmentation() is None:
        raise UsageError(
            f"`views.shift` is {views.shift:g}, but the store has no statistics of augmentation",
            hint="`chainpipe extract --measure-augmentation 200` measures them",
        )
    automatic = views.spatial == "auto" and views.mode != "halves" and meta.views > 0
    return CachedInputs(
        candidates=views.mode == "segment" and meta.per_segment > 0,
        augmented=views.spatial == "on" or automatic,
        shift=views.shift > 0,
    )


def check_frames(config: Config, frames: int) -> None:
    """Check that no key requires more than T frames of a video.

    Raises:
        UsageError: If one does, or too few frames are left to permute; the key is named.
    """
    required: dict[str, int | Auto] = {
        "views.num_frames": config.views.num_frames,
        "views.window": config.views.window,
        "order.num_frames": config.order.num_frames,
        "scene.num_clusters": config.scene.num_clusters,
    }
    for key, count in required.items():
        if count != "auto" and count > frames:
            raise UsageError(
                f"`{key}` is {count}, but the videos have {frames} frames",
                hint=f"{frames} at most, or `auto`",
            )
    if config.views.temporal_jitter >= frames and config.views.temporal_jitter:
        raise UsageError(
            f"`views.temporal_jitter` is {config.views.temporal_jitter}, "
            f"but the videos have {frames} frames",
            hint=f"{frames - 1} at most",
        )
    order_sample_sizes(config.order, frames)


def order_sample_sizes(config: OrderConfig, available: int) -> tuple[int, int]:
    """Return the numbers of frames that the order loss samples and permutes.

    Raises:
        UsageError: If fewer than two are permuted, so that slot and position are the same.

    Example:
        >>> order_sample_sizes(OrderConfig(), 25)
        (8, 8)
    """
    wanted = 8 if config.num_frames == "auto" else config.num_frames
    num_frames = min(wanted or available, available)
    num_shuffled = round(config.shuffle_fraction * num_frames)
    if num_shuffled < min(2, num_frames):
        raise UsageError(
            f"`order.shuffle_fraction` is {config.shuffle_fraction:g}: "
            f"{num_shuffled} of {num_frames} frames are permuted",
            hint=f"{2 / num_frames:.2g} or more",
        )
    return num_frames, num_shuffled
