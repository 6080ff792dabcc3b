"""A better linear start [ours]: PCA-ITQ's directions learn to rank as the features do.

It needs no views, so it helps where there are too few videos, or too still ones, to learn from.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hashing.binarize import sign
from hashing.schedule import one_cycle
from hashing.tasks.structure import listwise_loss

BATCH = 512
_WEIGHT_DECAY, _WARMUP = 0.01, 0.1


def distil(
    skip: nn.Linear,
    inputs: Tensor,
    features: Tensor,
    *,
    steps: int,
    rate: float,
    target: float,
    temperature: float,
    generator: torch.Generator,
) -> list[float]:
    """Train a linear hash layer, in place, to keep the features' own ranking.

    Args:
        skip: From mean inputs to bits.
        inputs: What it reads, (N, M).
        features: Whose cosines are kept, (N, X).
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
        rows = torch.randperm(len(inputs), generator=generator)[:BATCH].to(inputs.device)
        codes = sign(skip(inputs[rows]))
        loss = listwise_loss(codes, features[rows], target=target, temperature=temperature)
        for group in optimizer.param_groups:
            group["lr"] = rate * one_cycle(step / steps, warmup=_WARMUP)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    skip.zero_grad(set_to_none=True)
    return losses
