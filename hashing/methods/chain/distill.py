"""A better linear start [ours]: PCA-ITQ's directions learn to rank as the features do.

It contrasts no views, so it helps where there are too few videos, or too still ones, to learn from
views. Each step shows it other frames of a video: on few videos that keeps it from learning by
heart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.streamed_clips import Rows
from ...losses.similarity_preserving import listwise_loss
from ...models.binarizers import sign
from ...runtime.schedules import one_cycle
from ...views.augmentations import any_frames

BATCH = 512
_WEIGHT_DECAY, _WARMUP = 0.01, 0.1


def distill(
    shortcut: nn.Linear,
    frames: Rows,
    *,
    centre: Tensor,
    num_frames: int,
    l2_normalize: bool,
    steps: int,
    lr: float,
    target_temperature: float,
    temperature: float,
    generator: torch.Generator,
) -> list[float]:
    """Train a linear hash layer, in place, to keep the features' own ranking.

    Args:
        shortcut: From mean inputs to bits.
        frames: Whose means it reads, (B, T, M); the cosines of whole videos' means are kept.
        centre: The mean input, (M,), around which cosines are taken.
        num_frames: S, how many frames of a video, drawn anew each step, its mean is of; at most T.
        l2_normalize: Whether it reads means of unit length.
        steps: Of AdamW, with a one-cycle rate.
        lr: The highest learning rate.
        target_temperature: Temperature of the features in the listwise loss.
        temperature: Temperature of the codes.
        generator: Draws the batches.

    Returns:
        The loss of each step.
    """
    losses: list[float] = []
    optimizer = torch.optim.AdamW(
        shortcut.parameters(), lr=0.0, weight_decay=_WEIGHT_DECAY, fused=True
    )
    for step in range(steps):
        clips = frames.take(torch.randperm(len(frames), generator=generator)[:BATCH])  # (B, T, M)
        frame_indices = any_frames(len(clips), frames.shape[1], num_frames, generator)
        means = clips[torch.arange(len(clips))[:, None], frame_indices].mean(dim=1)
        codes = sign(shortcut(F.normalize(means, dim=1) if l2_normalize else means))
        features = clips.mean(dim=1) - centre
        loss = listwise_loss(
            codes, features, target_temperature=target_temperature, temperature=temperature
        )
        for group in optimizer.param_groups:
            group["lr"] = lr * one_cycle(step / steps, warmup=_WARMUP)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    shortcut.zero_grad(set_to_none=True)
    return losses
