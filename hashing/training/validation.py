"""Validation: the objective and code metrics on training videos held out for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import Auto
from ..data.clips import Clips
from ..losses.trainable import Trainable
from ..monitoring.code_metrics import (
    NEIGHBOURS,
    bit_balance,
    bit_correlation,
    bit_entropy,
    dead_bits,
    distinct_fraction,
    neighbours_found,
    top1_match_rate,
)
from ..runtime.seeding import derive_generator

VAL_PREFIX = "val_"  # prefix of the metrics of validation videos
VALIDATIONS_PER_RUN = 10  # for `auto`


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationPlan:
    """Validation videos and schedule.

    Attributes:
        clips: The validation videos, on the device of the objective.
        every: Epochs between two validations.
        stop_on_failure: Whether a failure signature ends the run.
    """

    clips: Clips
    every: int
    stop_on_failure: bool


def validation_interval(every: int | Auto, epochs: int) -> int:
    """Return the epochs between two validations.

    >>> validation_interval("auto", 83), validation_interval("auto", 4), validation_interval(3, 83)
    (8, 1, 3)
    """
    return max(1, epochs // VALIDATIONS_PER_RUN) if every == "auto" else every


@torch.no_grad()
def validate(objective: Trainable, clips: Clips, *, seed: int, progress: float) -> dict[str, float]:
    """Return losses and code metrics on the validation videos, each name with prefix ``val_``.

    The objective runs on them as one batch without dropout. Its views are the same in each
    validation, and the second view is never a neighbour's, so the values are comparable over time.

    Args:
        objective: The module being trained; it is left in evaluation mode.
        clips: The validation videos.
        seed: Seed of the run.
        progress: Fraction of the run's steps that are done.
    """
    objective.eval()
    rows = torch.arange(len(clips), device=clips.frames.device)
    _, report = objective(
        clips,
        rows=rows,
        positive_indices=rows,
        neighbours=None,
        # The stream's name seeds it: another name would change the results of a seed.
        generator=derive_generator(seed, "watch", 0),
        progress=progress,
    )
    found = {name: float(value) for name, value in report.items()}
    return {
        VAL_PREFIX + name: value for name, value in (found | code_metrics(objective, clips)).items()
    }


def code_metrics(objective: Trainable, clips: Clips) -> dict[str, float]:
    """Return code metrics of whole videos, and how often their two halves match."""
    codes = _signs(objective, clips.frames)
    half = clips.frames.shape[1] // 2 or 1
    first = _signs(objective, clips.frames[:, :half])
    last = _signs(objective, clips.frames[:, -half:])
    count = min(NEIGHBOURS, max(1, (len(clips) - 1) // 4))  # at most a quarter of few videos
    near = neighbours_found(codes, clips.means - clips.means.mean(dim=0), count=count)  # (B,)
    new = {} if clips.region is None else {"new_kept": float(near[clips.region].mean())}
    return new | {
        "bit_balance": bit_balance(codes),
        "bit_entropy": bit_entropy(codes),
        "dead_bits": dead_bits(codes) / codes.shape[1],
        "bit_correlation": bit_correlation(codes),
        "distinct_codes": distinct_fraction(codes),
        "neighbours_kept": float(near.mean()),
        "halves_found": top1_match_rate(first, last),
    }


def _signs(objective: Trainable, frames: Tensor) -> Tensor:
    """Return the codes (B, K) of clips (B, T, M) as -1 and +1."""
    values = objective.model(frames).values
    return torch.where(values >= 0, 1.0, -1.0)
