"""Scene loss (pretext task 3): contrast frames with the scene prototypes of their video.

Prototypical contrastive learning (2021): https://arxiv.org/abs/2005.04966
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.losses import SceneConfig
from ..data.disk_array import Splittable
from .base import LossContext, Measures, Step
from .kmeans import kmeans

CHUNK = 512  # videos per k-means batch


def find_scenes(
    clips: Splittable, *, num_clusters: int, min_std: float, generator: torch.Generator
) -> Tensor:
    """Cluster each video's frames into scenes, by their input features.

    Args:
        clips: Projected frames of all training videos, (N, T, M).
        num_clusters: P, maximum number of scenes per video.
        min_std: A video whose frame variance is below this fraction of the mean over videos is one
            scene.
        generator: Random number generator.

    Returns:
        Scene index of each frame, (N, T).
    """
    parts, stds = [], []
    for part in clips.split(CHUNK):
        parts.append(kmeans(part, num_clusters, generator=generator)[0])
        around = part - part.mean(dim=1, keepdim=True)
        stds.append(around.square().sum(dim=2).mean(dim=1))
    std = torch.cat(stds)  # (B,)
    varied = std > min_std * std.mean()
    return torch.cat(parts) * varied[:, None]


def find_encoded_scenes(
    first: Tensor, encoded: Iterable[Tensor], *, num_clusters: int, generator: torch.Generator
) -> Tensor:
    """Cluster each video's frames by the directions of the encoder's outputs, (N, T).

    Positional encodings separate even equal frames, so a video that is one scene by its input
    features stays one.

    Args:
        first: Scenes by the input features, (N, T).
        encoded: Encoded whole videos, in parts, (n, T, H) each.
        num_clusters: P, maximum number of scenes per video.
        generator: Random number generator.

    Returns:
        Scene index of each frame, (N, T).
    """
    units = (F.normalize(part, dim=2).cpu() for part in encoded)
    found = torch.cat([kmeans(part, num_clusters, generator=generator)[0] for part in units])
    several = (first != first[:, :1]).any(dim=1, keepdim=True)
    return found.to(first.device) * several


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneUpdater:
    """Scene updates during training: clusters, schedule and encoder.

    Attributes:
        num_clusters: P, maximum number of scenes per video.
        update_every: Epochs between two clusterings of the encoder's outputs.
        encode: The encoder: clips (B, T, M) to (B, T, H).
    """

    num_clusters: int
    update_every: int
    encode: Callable[[Tensor], Tensor]


def scene_loss(encoded: Tensor, scenes: Tensor, *, temperature: float) -> Tensor:
    """Return the cross-entropy of frames over the scene prototypes of their video, a scalar.

    A prototype is the normalized mean of the encoded frames of a scene. The loss of a video with
    one scene is exactly 0.

    Args:
        encoded: Encoded frames, (B, S, H).
        scenes: Scene index of each frame, (B, S).
        temperature: Softmax temperature of the cosines.

    Example:
        >>> scene_loss(torch.eye(2)[None], torch.tensor([[0, 1]]), temperature=1.0)  # log(1 + 1/e)
        tensor(0.3133)
    """
    frames = F.normalize(encoded, dim=2)
    member = F.one_hot(scenes).to(frames.dtype)  # (B, S, P)
    prototypes = F.normalize(member.transpose(1, 2) @ frames, dim=2)  # (B, P, H)
    logits = frames @ prototypes.transpose(1, 2) / temperature  # (B, S, P)
    absent = member.sum(dim=1, keepdim=True) == 0  # (B, 1, P)
    logits = logits.masked_fill(absent, float("-inf"))
    return F.cross_entropy(logits.flatten(0, 1), scenes.flatten())


class SceneLoss(nn.Module):
    """Scene loss on the encoder's outputs for the views, with the scenes of their clips.

    Args:
        temperature: Softmax temperature of the cosines.
    """

    def __init__(self, *, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    @classmethod
    def from_config(cls, config: SceneConfig, context: LossContext) -> Self:
        """Build the loss from its config section."""
        return cls(temperature=config.temperature)

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss."""
        if step.clips.scenes is None:
            raise ValueError("the scene task needs clips with scenes")
        scenes = step.clips.scenes[
            step.views.video_indices[:, None], step.views.frame_indices
        ]  # (2B, S)
        return scene_loss(step.output.frames, scenes, temperature=self.temperature), {}
