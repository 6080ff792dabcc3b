"""What is found anew while training: neighbours of videos, and scenes within them.

Of several processes, the lead searches and tells the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.disk_array import Splittable
from ..losses.scene import ScenePlan, find_again
from ..losses.trainable import Trainable
from ..runtime import distributed
from ..runtime.seeding import generator_of
from ..views.view_maker import TrainingClips
from .nearest_neighbours import draw_partners, nearest

_CHUNK = 256  # videos encoded at once


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourPlan:
    """Which neighbours are looked for, and how often.

    Attributes:
        count: k, neighbours of a video.
        probability: How often a neighbour gives the second view.
        mutual: Only pairs that are each other's neighbours.
        threshold: Least cosine.
        refresh: Epochs between two searches in the learned codes; 0 is never.
        first: Finds them before anything is learned; ``None``: the nearest by mean features.
    """

    count: int
    probability: float
    mutual: bool
    threshold: float
    refresh: int
    first: Callable[[TrainingClips], Tensor] | None = None

    def due(self, epoch: int) -> bool:
        """Return whether neighbours are looked for before an epoch, counted from 0."""
        return not epoch or (self.refresh > 0 and epoch % self.refresh == 0)

    def find(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        """Return the neighbours (N, k): by the features at first, by the learned codes later."""
        found = None if distributed.rank() else self._search(objective, clips, epoch)
        return told(found, clips.device)

    def _search(self, objective: Trainable, clips: TrainingClips, epoch: int) -> Tensor:
        if self.first is not None and not epoch:
            return self.first(clips)
        vectors = learned_values(objective, clips) if epoch else clips.means
        return nearest(vectors, self.count, mutual=self.mutual, threshold=self.threshold)

    def draw(self, rows: Tensor, table: Tensor, generator: torch.Generator) -> Tensor:
        """Return whose frames the second view of each video shows, (B,)."""
        return draw_partners(rows, table, probability=self.probability, generator=generator)


@torch.inference_mode()
def learned_values(objective: Trainable, clips: TrainingClips) -> Splittable:
    """Return what stands before the signs for every whole training video, (N, K)."""
    objective.eval()
    parts = (objective.model(part).values for part in clips.chunks(_CHUNK))
    return clips.gather(values.clamp(-1, 1) for values in parts)


def scenes_now(
    plan: ScenePlan,
    objective: Trainable,
    clips: TrainingClips,
    first: Tensor,
    *,
    seed: int,
    purpose: str,
    epoch: int,
) -> Tensor:
    """Return the scenes (N, T) of clips by what the encoder makes of them now.

    Args:
        plan: How they are found.
        objective: Is left in the mode for evaluation.
        clips: N videos.
        first: Their scenes by the inputs, (N, T).
        seed: Of the run.
        purpose: What they are for; chance depends on it.
        epoch: Likewise.
    """
    if distributed.rank():
        return told(None, clips.device)
    objective.eval()
    with torch.no_grad():
        encoded = (plan.encode(part) for part in clips.chunks(_CHUNK))
        generator = generator_of(seed, purpose, epoch)
        return told(
            find_again(first, encoded, clusters=plan.clusters, generator=generator), clips.device
        )


def told(found: Tensor | None, device: torch.device) -> Tensor:
    """Return what the lead found, on a device; alone, as it is."""
    if distributed.size() == 1 and found is not None:
        return found
    sent = distributed.from_lead(None if found is None else found.cpu())
    if sent is None:
        raise ValueError("the lead found nothing")
    return sent.to(device)
