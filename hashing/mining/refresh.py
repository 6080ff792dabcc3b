"""Refresh the positive pairs of videos and the scenes of frames during training.

In distributed training rank 0 computes them and broadcasts the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.disk_array import Splittable
from ..data.streamed_clips import TrainingClips
from ..losses.scene import SceneUpdater, find_encoded_scenes
from ..losses.trainable import Trainable
from ..runtime import distributed
from ..runtime.seeding import derive_generator
from .nearest_neighbours import draw_positives, nearest

_CHUNK = 256  # videos per forward pass


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourMiner:
    """Nearest-neighbour mining of positive pairs across videos, and its schedule.

    Attributes:
        k: Number of neighbours of a video.
        probability: Probability that the second view comes from a neighbour.
        mutual: Keep only mutual nearest neighbours.
        min_cosine: Minimum cosine similarity of a pair.
        update_every: Epochs between two searches in the learned codes; 0 disables them.
        first: Search before the first epoch; ``None``: nearest neighbours by mean features.
    """

    k: int
    probability: float
    mutual: bool
    min_cosine: float
    update_every: int
    first: Callable[[TrainingClips], Tensor] | None = None

    def due(self, epoch: int) -> bool:
        """Return whether neighbours are searched before an epoch, counted from 0."""
        return not epoch or (self.update_every > 0 and epoch % self.update_every == 0)

    def find(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        """Return the neighbours (N, k): by features before epoch 0, later by the learned codes."""
        found = None if distributed.rank() else self._search(objective, clips, epoch)
        return broadcast_tensor(found, clips.device)

    def _search(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        if self.first is not None and not epoch:
            return self.first(clips)
        vectors = hash_values(objective, clips) if epoch else clips.means
        return nearest(vectors, self.k, mutual=self.mutual, min_cosine=self.min_cosine)

    def draw(self, rows: Tensor, neighbours: Tensor, generator: torch.Generator) -> Tensor:
        """Return the index of the video that gives each second view, (B,)."""
        return draw_positives(rows, neighbours, probability=self.probability, generator=generator)


@torch.inference_mode()
def hash_values(objective: Trainable, clips: TrainingClips) -> Splittable:
    """Return the real-valued hash outputs of all training videos before the sign, (N, K)."""
    objective.eval()
    parts = (objective.model(part).values for part in clips.chunks(_CHUNK))
    return clips.gather(values.clamp(-1, 1) for values in parts)


def update_scenes(
    updater: SceneUpdater,
    objective: Trainable,
    clips: TrainingClips,
    first: Tensor,
    *,
    seed: int,
    purpose: str,
    epoch: int,
) -> Tensor:
    """Cluster frames into scenes (N, T) by the current outputs of the encoder.

    Args:
        updater: Number of clusters, schedule and encoder.
        objective: The module being trained; it is left in evaluation mode.
        clips: N videos.
        first: Their scenes by the input features, (N, T).
        seed: Seed of the run.
        purpose: Name of the random stream, which differs for training and validation.
        epoch: Index within the random stream.
    """
    if distributed.rank():
        return broadcast_tensor(None, clips.device)
    objective.eval()
    with torch.no_grad():
        encoded = (updater.encode(part) for part in clips.chunks(_CHUNK))
        generator = derive_generator(seed, purpose, epoch)
        return broadcast_tensor(
            find_encoded_scenes(
                first, encoded, num_clusters=updater.num_clusters, generator=generator
            ),
            clips.device,
        )


def broadcast_tensor(found: Tensor | None, device: torch.device) -> Tensor:
    """Return the tensor of rank 0 on a device; unchanged with one process."""
    if distributed.world_size() == 1 and found is not None:
        return found
    sent = distributed.broadcast_object(None if found is None else found.cpu())
    if sent is None:
        raise ValueError("rank 0 sent no tensor")
    return sent.to(device)
