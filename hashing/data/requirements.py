"""What a config needs of a store: enough frames, and the cached material that its views use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import AugmentationStatistics, StoreMeta

from ..config import Auto, Config
from ..config.losses import OrderConfig


class Material(Protocol):
    """What is asked of the training videos; ``TrainingFrames`` has it."""

    meta: StoreMeta

    def augmentation(self) -> AugmentationStatistics | None:
        """Return how augmentation moves the features, if it was measured."""
        ...


@dataclass(frozen=True, slots=True)
class CachedInputs:
    """Which material beside the frames views are drawn from.

    Attributes:
        candidates: Several frames of each segment.
        augmented: Spatially augmented copies of the clips.
        shift: The measured statistics of augmentation.
    """

    candidates: bool
    augmented: bool
    shift: bool

    def describe(self, material: Material) -> str:
        """Say what is used and how it was made, in one line; ``""`` for nothing."""
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
    """Decide what the views are drawn from.

    Raises:
        UsageError: If the config asks for what the store does not have.
    """
    views, meta = config.views, material.meta
    if views.spatial == "on" and not meta.views:
        raise UsageError(
            "`views.spatial` is `on`, but the store has no augmented copies",
            hint="`chainpipe extract --views 2` caches them",
        )
    if views.shift and material.augmentation() is None:
        raise UsageError(
            f"`views.shift` is {views.shift:g}, but the store does not say how augmentation moves "
            "features",
            hint="`chainpipe extract --measure-augmentation 200` measures it",
        )
    automatic = views.spatial == "auto" and views.mode != "halves" and meta.views > 0
    return CachedInputs(
        candidates=views.mode == "segment" and meta.per_segment > 0,
        augmented=views.spatial == "on" or automatic,
        shift=views.shift > 0,
    )


def check_frames(config: Config, frames: int) -> None:
    """Refuse a config that asks for more than T frames of a video.

    Raises:
        UsageError: Naming the key.
    """
    asked: dict[str, int | Auto] = {
        "views.num_frames": config.views.num_frames,
        "views.window": config.views.window,
        "order.num_frames": config.order.num_frames,
        "scene.num_clusters": config.scene.num_clusters,
    }
    for key, count in asked.items():
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


def order_sample_sizes(config: OrderConfig, available: int) -> tuple[int, int]:
    """Return S, the frames of T that the order task draws, and how many of them it mixes up.

    Raises:
        UsageError: If that is fewer than two, so that the slots would tell everything.

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
            f"{num_shuffled} of {num_frames} frames are mixed up",
            hint=f"{2 / num_frames:.2g} or more; `order.weight=0` switches the task off",
        )
    return num_frames, num_shuffled
