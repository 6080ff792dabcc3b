"""The losses: each with its section, its weight, and the class that computes it.

A further loss is its section and a line of ``LOSSES`` here, and its file in ``hashing/losses``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal, Protocol

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Lazy, Registry

from .fields import AnyConfig, Auto, about, sections


class LossSection(Protocol):
    """What the section of every loss has."""

    @property
    def weight(self) -> float | Auto:
        """Weight of this loss in the sum; 0 disables it."""
        ...

    @property
    def warmup(self) -> float:
        """Fraction of the steps in which the weight rises from 0."""
        ...


@dataclass(frozen=True)
class LossConfig:
    """The keys that every loss of a plug-in has; derive from it and add others.

    Example:
        >>> @dataclass(frozen=True)
        ... class MarginConfig(LossConfig):
        ...     margin: float = field(default=0.2, metadata=about("least distance", high=2.0))
        >>> MarginConfig()
        MarginConfig(weight=0.0, warmup=0.0, margin=0.2)
    """

    weight: float = field(default=0.0, metadata=about("weight of this loss; 0 disables it"))
    warmup: float = field(
        default=0.0, metadata=about("fraction of the steps in which the weight rises", high=1.0)
    )


@dataclass(frozen=True, slots=True)
class ContrastiveConfig:
    """Contrastive loss between the two views of a video (NT-Xent, task 1) [P]."""

    weight: float | Auto = field(
        default="auto",
        metadata=about("weight of this loss; auto: less for few or still videos [I]"),
    )
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [I]", high=1.0),
    )
    temperature: float = field(
        default=0.3,
        metadata=about("temperature of the softmax; related work uses 0.5 [I]", low=1e-3),
    )
    tau_plus: float = field(
        default=0.0,
        metadata=about(
            "class prior of debiased contrast; 0: NT-Xent; related work uses 0.05 to 0.1 [I]",
            high=0.9,
        ),
    )
    mask_neighbours: bool = field(
        default=False, metadata=about("exclude a video's neighbours from its negatives [ours]")
    )


@dataclass(frozen=True, slots=True)
class OrderConfig:
    """Frame-order loss: predict the position of each frame of a shuffled clip (task 2) [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("weight of this loss; 0 disables it [I]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [I]", high=1.0),
    )
    if_unlearned: Literal["auto", "keep", "drop"] = field(
        default="auto",
        metadata=about(
            "where validation after half of the steps shows it is not learned: keep or drop this "
            "loss; auto: drop if weight is auto [ours]"
        ),
    )
    num_frames: int | Auto = field(
        default="auto",
        metadata=about(
            "frames sampled from the video; 0: all; auto: 8, or T if smaller [I]",
            high=100_000,
        ),
    )
    num_videos: int = field(
        default=64,
        metadata=about("maximum videos of a batch that are shuffled; 0: all [ours]"),
    )
    shuffle_fraction: float = field(
        default=1.0,
        metadata=about(
            "fraction of the sampled frames that are permuted; the others keep their slots [I]",
            high=1.0,
        ),
    )
    label_std: float = field(
        default=1.0,
        metadata=about("std of the Gaussian target over positions, in frames; 0: one-hot [I]"),
    )


@dataclass(frozen=True, slots=True)
class SceneConfig:
    """Scene loss: contrast frames with the prototypes of their video's scenes (task 3) [P]."""

    weight: float | Auto = field(
        default="auto", metadata=about("weight of this loss; 0 disables it [I]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [I]", high=1.0),
    )
    if_unlearned: Literal["auto", "keep", "drop"] = field(
        default="auto",
        metadata=about(
            "where validation after half of the steps shows it is not learned: keep or drop this "
            "loss; auto: drop if weight is auto [ours]"
        ),
    )
    num_clusters: int | Auto = field(
        default="auto",
        metadata=about(
            "maximum number of scenes (k-means clusters) of a video; auto: 4, or T if smaller [I]",
            low=1,
            high=64,
        ),
    )
    update_every: int = field(
        default=0,
        metadata=about(
            "epochs between clusterings of the encoder's outputs; 0: cluster the inputs once [I]"
        ),
    )
    temperature: float = field(
        default=0.3,
        metadata=about("temperature of the softmax over prototypes [I]", low=1e-3),
    )
    min_std: float = field(
        default=0.1,
        metadata=about("a video with less than this fraction of the mean std is one scene [I]"),
    )


@dataclass(frozen=True, slots=True)
class SimilarityPreservingConfig:
    """Similarity-preserving loss: distill feature similarities into the codes [ours]."""

    weight: float | Auto = field(
        default="auto", metadata=about("weight of this loss; 0 disables it [ours]")
    )
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [ours]", high=1.0),
    )
    source: Literal["views", "videos"] = field(
        default="views",
        metadata=about("codes of each video's first view, or of all frames (slower) [ours]"),
    )
    loss: Literal["listwise", "squared"] = field(
        default="listwise",
        metadata=about(
            "listwise: cross-entropy of softmax rankings; squared: MSE of cosines [ours]"
        ),
    )
    target_temperature: float = field(
        default=0.15, metadata=about("listwise: temperature of the features [ours]", low=1e-3)
    )
    temperature: float = field(
        default=0.3, metadata=about("listwise: temperature of the codes [ours]", low=1e-3)
    )


@dataclass(frozen=True, slots=True)
class ReflectionConfig:
    """Reflection loss: codes rank synthetic videos of other content as features do [ours]."""

    weight: float | Auto = field(
        default="auto",
        metadata=about("weight of this loss; auto: 1, less for codes below 32 bits [ours]"),
    )
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [ours]", high=1.0),
    )
    num_videos: int = field(
        default=128,
        metadata=about("maximum videos of a batch that are reflected [ours]", low=2),
    )
    flatten: float = field(
        default=0.5,
        metadata=about(
            "maximum exponent that flattens the spectrum of reflected videos; 0: keep it [ours]",
            high=0.5,
        ),
    )
    target_temperature: float = field(
        default=0.15, metadata=about("temperature of the features [ours]", low=1e-3)
    )
    temperature: float = field(
        default=0.3, metadata=about("temperature of the codes [ours]", low=1e-3)
    )


@dataclass(frozen=True, slots=True)
class SwavConfig:
    """SwAV loss: predict the prototype assignment of the other view [ours]."""

    weight: float = field(default=0.0, metadata=about("weight of this loss; 0 disables it [ours]"))
    warmup: float = field(
        default=0.0,
        metadata=about("fraction of the steps in which the weight rises from 0 [ours]", high=1.0),
    )
    num_prototypes: int = field(
        default=64, metadata=about("number of prototypes [ours]", low=2, high=65_536)
    )
    temperature: float = field(
        default=0.1, metadata=about("temperature of the predictions [ours]", low=1e-3)
    )
    epsilon: float = field(
        default=0.05,
        metadata=about("temperature of the assignments (Sinkhorn-Knopp) [ours]", low=1e-3),
    )
    iterations: int = field(
        default=3, metadata=about("Sinkhorn-Knopp iterations [ours]", high=1000)
    )


@dataclass(frozen=True, slots=True)
class LossEntry:
    """A loss that can be chosen.

    Attributes:
        config: The class of its section.
        loss: The class that computes it; it has ``from_config``.
        stream: Name of the random stream that its first weights are drawn from.
    """

    config: type[Any]
    loss: type[Any] | Lazy
    stream: str = ""


def _ours(file: str, loss: str, config: type[Any], stream: str = "") -> LossEntry:
    return LossEntry(config, Lazy(f"chainpipe.hashing.losses.{file}", loss), stream)


LOSSES: Registry[LossEntry] = Registry(
    "loss",
    {
        "contrastive": _ours("contrastive", "ContrastiveLoss", ContrastiveConfig),
        "order": _ours("frame_order", "FrameOrderLoss", OrderConfig, "order head"),
        "scene": _ours("scene", "SceneLoss", SceneConfig),
        "similarity": _ours(
            "similarity_preserving", "SimilarityPreservingLoss", SimilarityPreservingConfig
        ),
        "reflection": _ours("reflection", "ReflectionLoss", ReflectionConfig),
        "swav": _ours("swav", "SwavLoss", SwavConfig, "prototypes"),
    },
)


def loss_class(name: str) -> type[Any]:
    """Return the class of a loss; ours is imported now.

    Raises:
        UsageError: If there is no such loss.
    """
    loss = LOSSES[name].loss
    return loss.load() if isinstance(loss, Lazy) else loss


def loss_sections(config: AnyConfig) -> dict[str, LossSection]:
    """Return the sections of a config that are losses, by name."""
    return {name: part for name, part in sections(config).items() if name in LOSSES}


def check_loss_section(name: str, config: type[Any]) -> None:
    """Refuse a class that cannot be the section of a loss.

    Raises:
        UsageError: If it is no frozen dataclass with ``weight`` and ``warmup``, or a key has no
            default or no description.
    """
    hint = "derive it from `chainpipe.LossConfig`, a `@dataclass(frozen=True)`"
    if not is_dataclass(config) or not config.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise UsageError(f"the section of the loss `{name}` is no frozen dataclass", hint=hint)
    for key in ("weight", "warmup"):
        if key not in [item.name for item in fields(config)]:
            raise UsageError(f"the section of the loss `{name}` has no `{key}`", hint=hint)
    for item in fields(config):
        if "doc" not in item.metadata:
            hint = "write `field(default=..., metadata=about('what it means'))`"
            raise UsageError(f"the key `{name}.{item.name}` has no description", hint=hint)
    try:
        config()
    except TypeError as error:
        raise UsageError(f"the section of the loss `{name}`: {error}", hint=hint) from error
