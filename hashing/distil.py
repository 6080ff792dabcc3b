"""A better linear start [ours]: PCA-ITQ's directions learn to rank as the features do.

It contrasts no views, so it helps where there are too few videos, or too still ones, to learn from
views. Each step shows it other frames of a video: on few videos that keeps it from learning by
heart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hashing.augment import any_frames
from hashing.binarize import sign
from hashing.schedule import one_cycle
from hashing.tasks.structure import listwise_loss

BATCH = 512
_WEIGHT_DECAY, _WARMUP = 0.01, 0.1


def distil(
    skip: nn.Linear,
    frames: Tensor,
    features: Tensor,
    *,
    shown: int,
    unit_mean: bool,
    steps: int,
    rate: float,
    target: float,
    temperature: float,
    generator: torch.Generator,
) -> list[float]:
    """Train a linear hash layer, in place, to keep the features' own ranking.

    Args:
        skip: From mean inputs to bits.
        frames: Whose means it reads, (N, T, M).
        features: Whose cosines are kept, (N, X).
        shown: S, how many frames of a video, drawn anew each step, its mean is of; at most T.
        unit_mean: Whether it reads means of unit length.
        steps: Of AdamW, with a one-cycle rate.
        rate: The highest learning rate.
        target: Temperature of the features in the listwise loss.
        temperature: Temperature of the codes.
        generator: Draws the batches.

    Returns:
        The loss of each step.
    """
    losses: list[float] = []
    optimizer = torch.optim.AdamW(skip.parameters(), lr=0.0, weight_decay=_WEIGHT_DECAY, fused=True)
    for step in range(steps):
        rows = torch.randperm(len(frames), generator=generator)[:BATCH].to(frames.device)
        places = any_frames(len(rows), frames.shape[1], shown, generator).to(frames.device)
        means = frames[rows[:, None], places].mean(dim=1)
        codes = sign(skip(F.normalize(means, dim=1) if unit_mean else means))
        loss = listwise_loss(codes, features[rows], target=target, temperature=temperature)
        for group in optimizer.param_groups:
            group["lr"] = rate * one_cycle(step / steps, warmup=_WARMUP)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    skip.zero_grad(set_to_none=True)
    return losses
