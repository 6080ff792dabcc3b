"""Where the hash layer starts: at PCA-ITQ, distilled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from hashing.baselines.linear import LinearHash
from hashing.baselines.pca_itq import fit_pca_itq
from hashing.chance import generator_of
from hashing.config import Config
from hashing.curves import HistoryRow
from hashing.distil import distil
from hashing.front import unit_length
from hashing.model import HashModel
from hashing.presets import number
from hashing.statistics import moments


def first_codes(
    frames: npt.NDArray[np.float32], *, bits: int, seed: int, unit_mean: bool
) -> LinearHash:
    """Fit PCA-ITQ on mean inputs, for projected training frames (N, T, M)."""
    means = frames.mean(axis=1)
    flat = frames.reshape(-1, frames.shape[2])
    return fit_pca_itq(
        unit_length(means) if unit_mean else means,
        bits,
        seed=seed,
        frame_covariance=lambda: moments([flat]).covariance,
    )


def start_hash_layer(
    config: Config,
    model: HashModel,
    frames: npt.NDArray[np.float32],
    *,
    bits: int,
    seed: int,
) -> list[HistoryRow]:
    """Set the hash layer to PCA-ITQ of projected training frames (N, T, M), then distil it.

    Returns:
        The loss of each distilling step.
    """
    unit = config.hash.unit_mean
    model.hash_layer.start_as(first_codes(frames, bits=bits, seed=seed, unit_mean=unit))
    steps = int(number(config.hash.distil_steps))
    if model.hash_layer.skip is None or not steps:
        return []
    means = frames.mean(axis=1)
    losses = distil(
        model.hash_layer.skip,
        torch.from_numpy(frames),
        torch.from_numpy(means - means.mean(axis=0)),
        shown=max(1, frames.shape[1] // 3),
        unit_mean=unit,
        steps=steps,
        rate=config.hash.distil_rate,
        target=config.structure.target,
        temperature=config.structure.temperature,
        generator=generator_of(seed, "distil", 0),
    )
    return [{"step": float(step), "distil": loss} for step, loss in enumerate(losses, 1)]
