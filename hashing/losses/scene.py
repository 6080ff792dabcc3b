"""Task 3, scene change: frames gather around the prototype of their own scene of the video.

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

CHUNK = 512  # videos clustered at once


def find_scenes(
    clips: Splittable, *, num_clusters: int, min_std: float, generator: torch.Generator
) -> Tensor:
    """Cluster each video's frames into scenes, by their input features.

    Args:
        clips: All training videos, (B, T, M).
        num_clusters: P, scenes of a video at most.
        min_std: A video whose frames vary less than this share of the average video is one
            scene.
        generator: Source of chance.

    Returns:
        Scene number of each frame, (B, T).
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
    """Cluster each video's frames anew, by the directions of the encoder's outputs.

    The encoder tells slots apart even where frames are equal, so a video that is one scene by its
    inputs stays one.

    Args:
        first: Scenes by the inputs, (B, T).
        encoded: Encoded whole videos, in parts, (n, T, H) each.
        num_clusters: P, scenes of a video at most.
        generator: Source of chance.

    Returns:
        Scene number of each frame, (B, T).
    """
    units = (F.normalize(part, dim=2).cpu() for part in encoded)
    found = torch.cat([kmeans(part, num_clusters, generator=generator)[0] for part in units])
    several = (first != first[:, :1]).any(dim=1, keepdim=True)
    return found.to(first.device) * several


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneUpdater:
    """How scenes are found anew while training.

    Attributes:
        num_clusters: P, scenes of a video at most.
        update_every: Epochs between two searches in the encoder's outputs.
        encode: The encoder: clips (B, T, M) to (B, T, H).
    """

    num_clusters: int
    update_every: int
    encode: Callable[[Tensor], Tensor]


def scene_loss(encoded: Tensor, scenes: Tensor, *, temperature: float) -> Tensor:
    """Return how badly frames match their own scene's prototype among the video's, a scalar.

    A prototype is the normalised mean of the encoded frames of a scene. A video of one scene adds
    exactly 0.

    Args:
        encoded: Encoded frames, (B, S, H).
        scenes: Scene number of each frame, (B, S).
        temperature: Divides the cosines.

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
    """The scene loss on the encoder's output for each view; the scenes are those of the clips.

    Args:
        temperature: Divides the cosines.
    """

    def __init__(self, *, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    @classmethod
    def from_config(cls, config: SceneConfig, context: LossContext) -> Self:
        """Build the loss from its section."""
        return cls(temperature=config.temperature)

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss."""
        if step.clips.scenes is None:
            raise ValueError("the scene task needs clips with scenes")
        scenes = step.clips.scenes[
            step.views.video_indices[:, None], step.views.frame_indices
        ]  # (2B, S)
        return scene_loss(step.output.frames, scenes, temperature=self.temperature), {}
