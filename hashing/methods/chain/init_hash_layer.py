"""Where the hash layer starts: at PCA-ITQ, distilled."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from ...config import Config
from ...config.presets import number
from ...data.disk_array import DiskRows, Splittable
from ...data.streamed_clips import HeldRows
from ...models.hash_model import HashModel
from ...models.linear_hash import LinearHash
from ...models.pca import moments
from ...models.pca_whitening import unit_length
from ...monitoring.history import HistoryRow
from ...runtime.seeding import generator_of
from ..pca_itq import fit_pca_itq
from .distill import distil

Frames = npt.NDArray[np.float32] | DiskRows  # projected training frames, (N, T, M)
MEANS_BYTES = 300_000_000  # of the mean inputs that the start is fitted on
_CHUNK = 512  # videos read at once


def first_codes(frames: Frames, *, bits: int, seed: int, unit_mean: bool) -> LinearHash:
    """Fit PCA-ITQ on mean inputs, for projected training frames (N, T, M)."""
    means = mean_inputs(frames)
    return fit_pca_itq(
        unit_length(means) if unit_mean else means,
        bits,
        seed=seed,
        frame_covariance=lambda: moments(_flat(frames)).covariance,
    )


def mean_inputs(frames: Frames) -> npt.NDArray[np.float32]:
    """Return the mean inputs (n, M) of all videos, or of an even sample of very many."""
    step = -(-12 * len(frames) * frames.shape[2] // MEANS_BYTES)
    kept, start = [], 0
    for part in _parts(frames):
        kept.append(part[-start % step :: step].mean(axis=1))
        start += len(part)
    return np.concatenate(kept)


def _flat(frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
    for part in _parts(frames):
        yield part.reshape(-1, part.shape[2])


def _parts(frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
    rows: Splittable = torch.from_numpy(frames) if isinstance(frames, np.ndarray) else frames
    for part in rows.split(_CHUNK):
        yield part.numpy()


def start_hash_layer(
    config: Config,
    model: HashModel,
    frames: Frames,
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
    losses = distil(
        model.hash_layer.skip,
        HeldRows(torch.from_numpy(frames)) if isinstance(frames, np.ndarray) else frames,
        centre=torch.from_numpy(mean_inputs(frames).mean(axis=0)),
        shown=max(1, frames.shape[1] // 3),
        unit_mean=unit,
        steps=steps,
        rate=config.hash.distil_rate,
        target=config.structure.target,
        temperature=config.structure.temperature,
        generator=generator_of(seed, "distil", 0),
    )
    return [{"step": float(step), "distil": loss} for step, loss in enumerate(losses, 1)]
