"""Distillation of the linear initialization [ours]: codes learn the ranking of the features.

It contrasts no views, so it helps with too few videos, or too little motion, for contrastive
learning. Each step samples other frames of a video, which reduces overfitting on few videos.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.streamed_clips import Rows
from ...losses.similarity_preserving import listwise_loss
from ...models.binarizers import sign
from ...models.clip_summary import Summarize, masked_mean
from ...runtime.schedules import one_cycle
from ...views.augmentations import any_frames

BATCH = 512
_WEIGHT_DECAY, _WARMUP = 0.01, 0.1


def distill(
    shortcut: nn.Linear,
    frames: Rows,
    *,
    centre: Tensor,
    summarize: Summarize = masked_mean,
    num_frames: int,
    l2_normalize: bool,
    steps: int,
    lr: float,
    target_temperature: float,
    temperature: float,
    generator: torch.Generator,
) -> list[float]:
    """Train a linear hash layer, in place, to preserve the similarity ranking of the features.

    Args:
        shortcut: Linear layer from mean inputs to bits, M to K.
        frames: Projected frames, (N, T, M); the targets are cosines of whole videos' means.
        centre: Mean input, (M,), which is subtracted before target cosines.
        summarize: What the layer reads of a video instead of its mean.
        num_frames: S, frames sampled per video in each step for its mean input; at most T.
        l2_normalize: L2-normalize the mean inputs.
        steps: AdamW steps, with a one-cycle learning rate.
        lr: Peak learning rate.
        target_temperature: Softmax temperature of the features in the listwise loss.
        temperature: Softmax temperature of the codes.
        generator: Random number generator of batches and frames.

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
        means = summarize(clips[torch.arange(len(clips))[:, None], frame_indices], None)
        codes = sign(shortcut(F.normalize(means, dim=1) if l2_normalize else means))
        features = summarize(clips, None) - centre
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
