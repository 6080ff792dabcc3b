"""What is found anew while training: neighbours of videos, and scenes within them.

Of several processes, the lead searches and tells the others.
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

_CHUNK = 256  # videos encoded at once


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourMiner:
    """Which neighbours are looked for, and how often.

    Attributes:
        k: k, neighbours of a video.
        probability: How often a neighbour gives the second view.
        mutual: Only pairs that are each other's neighbours.
        min_cosine: Least cosine.
        update_every: Epochs between two searches in the learned codes; 0 is never.
        first: Finds them before anything is learned; ``None``: the nearest by mean features.
    """

    k: int
    probability: float
    mutual: bool
    min_cosine: float
    update_every: int
    first: Callable[[TrainingClips], Tensor] | None = None

    def due(self, epoch: int) -> bool:
        """Return whether neighbours are looked for before an epoch, counted from 0."""
        return not epoch or (self.update_every > 0 and epoch % self.update_every == 0)

    def find(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        """Return the neighbours (B, k): by the features at first, by the learned codes later."""
        found = None if distributed.rank() else self._search(objective, clips, epoch)
        return broadcast_tensor(found, clips.device)

    def _search(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        if self.first is not None and not epoch:
            return self.first(clips)
        vectors = hash_values(objective, clips) if epoch else clips.means
        return nearest(vectors, self.k, mutual=self.mutual, min_cosine=self.min_cosine)

    def draw(self, rows: Tensor, neighbours: Tensor, generator: torch.Generator) -> Tensor:
        """Return whose frames the second view of each video shows, (B,)."""
        return draw_positives(rows, neighbours, probability=self.probability, generator=generator)


@torch.inference_mode()
def hash_values(objective: Trainable, clips: TrainingClips) -> Splittable:
    """Return what stands before the signs for every whole training video, (B, K)."""
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
    """Return the scenes (B, T) of clips by what the encoder makes of them now.

    Args:
        updater: How they are found.
        objective: Is left in the mode for evaluation.
        clips: B videos.
        first: Their scenes by the inputs, (B, T).
        seed: Of the run.
        purpose: What they are for; chance depends on it.
        epoch: Likewise.
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
    """Return what the lead found, on a device; alone, as it is."""
    if distributed.world_size() == 1 and found is not None:
        return found
    sent = distributed.broadcast_object(None if found is None else found.cpu())
    if sent is None:
        raise ValueError("the lead found nothing")
    return sent.to(device)
