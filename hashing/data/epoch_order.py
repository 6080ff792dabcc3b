"""In which order an epoch visits the videos: at random, yet so that a disk can read in runs.

Few videos are shuffled as a whole. Many are cut into shards of neighbouring videos; the shards are
shuffled, and then the videos within each window of shards. The order depends on how many there are
and on chance, never on where they lie, so that equal seeds give equal weights everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHARD = 256  # neighbouring videos that are read in one run
WINDOW = 256  # shards that are shuffled together: 65,536 videos


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """One epoch.

    Attributes:
        rows: Video numbers in the order in which they are visited, (B,).
        shards: Shard numbers in the order in which they are needed; empty for few videos.
    """

    rows: Tensor
    shards: Tensor

    def prefetch_ranges(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return which runs of videos to read ahead while ``rows[start:stop]`` are visited.

        They are needed a window later; at the start of the epoch, the first window comes with them.

        Returns:
            First video and number of videos of each run.
        """
        lead = WINDOW if start else 0
        first, last = -(-start // SHARD) + lead, -(-stop // SHARD) + WINDOW
        wanted = self.shards[first:last] * SHARD
        return [(one, min(SHARD, len(self.rows) - one)) for one in wanted.tolist()]


def epoch_order(videos: int, generator: torch.Generator) -> EpochOrder:
    """Draw the order of an epoch.

    Args:
        videos: B.
        generator: Source of chance.
    """
    if videos <= SHARD * WINDOW:
        return EpochOrder(torch.randperm(videos, generator=generator), torch.empty(0).long())
    shards = torch.randperm(-(-videos // SHARD), generator=generator)
    windows = []
    for some in torch.split(shards, WINDOW):
        rows = (some[:, None] * SHARD + torch.arange(SHARD)).flatten()
        rows = rows[rows < videos]
        windows.append(rows[torch.randperm(len(rows), generator=generator)])
    return EpochOrder(torch.cat(windows), shards)
