"""Initialize the hash layer: PCA-ITQ, then distillation; the general bits are fitted here only."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from ...config import Config
from ...config.presets import number
from ...data.disk_array import DiskArray, Splittable
from ...data.streamed_clips import InMemoryArray
from ...models.clip_summary import SUMMARIES
from ...models.hash_model import HashModel
from ...models.linear_hash import LinearHash
from ...models.pca import mean_covariance
from ...models.pca_whitening import l2_normalized
from ...monitoring.history import HistoryRow
from ...runtime.seeding import derive_generator
from ..pca_itq import fit_pca_itq
from .distill import distill
from .general_hash import general_hash

Frames = npt.NDArray[np.float32] | DiskArray  # projected training frames, (N, T, M)
MEANS_BYTES = 300_000_000  # memory limit of the mean inputs for PCA-ITQ
_CHUNK = 512  # videos per read


def fit_initial_hash(
    frames: Frames,
    *,
    bits: int,
    seed: int,
    l2_normalize: bool,
    means: npt.NDArray[np.floating] | None = None,
    summary: str = "mean",
) -> LinearHash:
    """Fit PCA-ITQ on ``means`` (n, M), by default a summary of training frames (N, T, M)."""
    inputs = summary_inputs(frames, summary) if means is None else means
    means = np.asarray(inputs, np.float32)
    return fit_pca_itq(
        l2_normalized(means) if l2_normalize else means,
        bits,
        seed=seed,
        frame_covariance=lambda: mean_covariance(_flat(frames)).covariance,
    )


def _pool_directions(
    pool: npt.NDArray[np.floating], bits: int, *, seed: int
) -> npt.NDArray[np.float32]:
    """Return the PCA-ITQ directions (M, bits) of directions (n, M)."""
    found = fit_pca_itq(
        pool, bits, seed=seed, frame_covariance=lambda: mean_covariance([pool]).covariance
    )
    return found.directions


def summary_inputs(frames: Frames, summary: str) -> npt.NDArray[np.float32]:
    """Return the summaries (n, M) of all videos, or of every i-th above the memory limit."""
    step = -(-12 * len(frames) * frames.shape[2] // MEANS_BYTES)
    kept, start = [], 0
    for part in _parts(frames):
        kept.append(_summaries(part[-start % step :: step], summary))
        start += len(part)
    return np.concatenate(kept)


def _summaries(part: npt.NDArray[np.float32], summary: str) -> npt.NDArray[np.float32]:
    if summary == "mean":
        return np.asarray(part.mean(axis=1))  # numpy's sum, on which the codes of a seed depend
    return SUMMARIES[summary](torch.from_numpy(part), None).numpy()


def _flat(frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
    for part in _parts(frames):
        yield part.reshape(-1, part.shape[2])


def _parts(frames: Frames) -> Iterator[npt.NDArray[np.float32]]:
    rows: Splittable = torch.from_numpy(frames) if isinstance(frames, np.ndarray) else frames
    for part in rows.split(_CHUNK):
        yield part.numpy()


def init_hash_layer(
    config: Config,
    model: HashModel,
    frames: Frames,
    *,
    seed: int,
    means: npt.NDArray[np.floating] | None = None,
    pool: npt.NDArray[np.floating] | None = None,
) -> list[HistoryRow]:
    """Initialize the hash layer by PCA-ITQ of projected frames (N, T, M), then distill it.

    Args:
        config: Config without ``auto``.
        model: The network.
        frames: Projected training frames.
        seed: Seed of all random generators.
        means: Inputs (n, M) to fit PCA-ITQ on in place of the videos' mean inputs.
        pool: Directions (n, M) of any content that the general bits are fitted on; without it they
            are fitted on the videos, as :func:`.general_hash.general_hash` does.

    Returns:
        The loss of each distillation step.
    """
    l2_normalize, summary = config.hash.l2_normalize, config.hash.summary
    layer = model.hash_layer
    own = layer.bits if pool is None else layer.learned_bits  # bits fitted on the videos
    fitted = fit_initial_hash(
        frames, bits=own, seed=seed, l2_normalize=l2_normalize, means=means, summary=summary
    )
    rest = own - layer.learned_bits
    layer.init_shortcut(LinearHash(fitted.mean, fitted.directions[:, rest:]))
    if layer.general is not None:
        if pool is not None:
            directions = _pool_directions(pool, layer.bits - own, seed=seed)
            general = LinearHash(fitted.mean, directions)
        else:
            inputs = summary_inputs(frames, summary) if means is None else means
            general = general_hash(
                l2_normalized(inputs.astype(np.float32)) if l2_normalize else inputs,
                model.pca_matrix.numpy(),
                bits=layer.bits,
                count=rest,
                residual=number(config.hash.general_residual),
                seed=seed,
            )
        layer.init_general(general)
    steps = int(number(config.hash.distill_steps))
    if model.hash_layer.shortcut is None or not steps:
        return []
    losses = distill(
        model.hash_layer.shortcut,
        InMemoryArray(torch.from_numpy(frames)) if isinstance(frames, np.ndarray) else frames,
        centre=torch.from_numpy(summary_inputs(frames, summary).mean(axis=0)),
        summarize=SUMMARIES[summary],
        # Changes between frames depend on how far apart they are: all frames.
        num_frames=frames.shape[1] if summary == "changes" else max(1, frames.shape[1] // 3),
        l2_normalize=l2_normalize,
        steps=steps,
        lr=config.hash.distill_lr,
        target_temperature=config.similarity.target_temperature,
        temperature=config.similarity.temperature,
        # The stream's name seeds it: another name would change the results of a seed.
        generator=derive_generator(seed, "distil", 0),
    )
    return [{"step": float(step), "distil": loss} for step, loss in enumerate(losses, 1)]
