"""Draw the order of an epoch: random, and still read from disk in contiguous runs.

Up to 65,536 videos are shuffled as a whole. More are cut into shards of consecutive videos; the
shards are shuffled, and then the videos within each window of shards. The order depends on the
number of videos and the generator, never on where features are stored, so that equal seeds give
equal weights on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SHARD = 256  # consecutive videos, read in one run
WINDOW = 256  # shards that are shuffled together: 65,536 videos


@dataclass(frozen=True, slots=True)
class EpochOrder:
    """Order of one epoch.

    Attributes:
        rows: Permutation of the video indices, (N,).
        shards: Shard indices in the order in which they are read; empty for few videos.
    """

    rows: Tensor
    shards: Tensor

    def prefetch_ranges(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return the runs of videos to prefetch while ``rows[start:stop]`` are trained on.

        They are needed one window later; at the start of the epoch, the first window is included.

        Returns:
            First video and number of videos of each run.
        """
        ahead = WINDOW if start else 0
        first, last = -(-start // SHARD) + ahead, -(-stop // SHARD) + WINDOW
        wanted = self.shards[first:last] * SHARD
        return [(one, min(SHARD, len(self.rows) - one)) for one in wanted.tolist()]


def epoch_order(videos: int, generator: torch.Generator) -> EpochOrder:
    """Draw the order of an epoch.

    Args:
        videos: N.
        generator: Random number generator.
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
