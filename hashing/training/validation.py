"""Watching: how an objective and its codes do on training videos that are held out of it."""

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
    neighbour_recall,
    top1_match_rate,
)
from ..runtime.seeding import derive_generator

VAL_PREFIX = "val_"  # before the name of everything that is measured on held-out videos
VALIDATIONS_PER_RUN = 10  # of a run, when nobody says


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationPlan:
    """Who watches a training run, and how.

    Attributes:
        clips: The held-out videos, on the device of the objective.
        every: Epochs between two looks.
        stop_on_failure: Whether a failure signature ends the run.
    """

    clips: Clips
    every: int
    stop_on_failure: bool


def validation_interval(every: int | Auto, epochs: int) -> int:
    """Return the epochs between two looks.

    >>> validation_interval("auto", 83), validation_interval("auto", 4), validation_interval(3, 83)
    (8, 1, 3)
    """
    return max(1, epochs // VALIDATIONS_PER_RUN) if every == "auto" else every


@torch.no_grad()
def validate(objective: Trainable, clips: Clips, *, seed: int, progress: float) -> dict[str, float]:
    """Return what the held-out videos say about an objective, each name with ``held_`` before it.

    The objective runs on them as one batch without dropout. Its views are drawn in the same way at
    each look, and the second one is never a neighbour's, so looks compare with each other.

    Args:
        objective: What is trained; it is left in the mode for evaluation.
        clips: The held-out videos, n of them.
        seed: Of the run.
        progress: Share of the run's steps that are done.
    """
    objective.eval()
    rows = torch.arange(len(clips), device=clips.frames.device)
    _, report = objective(
        clips,
        rows=rows,
        positive_indices=rows,
        neighbours=None,
        generator=derive_generator(seed, "watch", 0),
        progress=progress,
    )
    found = {name: float(value) for name, value in report.items()}
    return {
        VAL_PREFIX + name: value for name, value in (found | code_metrics(objective, clips)).items()
    }


def code_metrics(objective: Trainable, clips: Clips) -> dict[str, float]:
    """Return how healthy the codes of whole videos are, and whether their halves are alike."""
    codes = _signs(objective, clips.frames)
    half = clips.frames.shape[1] // 2 or 1
    first = _signs(objective, clips.frames[:, :half])
    last = _signs(objective, clips.frames[:, -half:])
    count = min(NEIGHBOURS, max(1, (len(clips) - 1) // 4))  # of few videos, all are near
    return {
        "bit_balance": bit_balance(codes),
        "bit_entropy": bit_entropy(codes),
        "dead_bits": dead_bits(codes) / codes.shape[1],
        "bit_correlation": bit_correlation(codes),
        "distinct_codes": distinct_fraction(codes),
        "neighbours_kept": neighbour_recall(
            codes, clips.means - clips.means.mean(dim=0), count=count
        ),
        "halves_found": top1_match_rate(first, last),
    }


def _signs(objective: Trainable, frames: Tensor) -> Tensor:
    """Return the codes (n, K) of clips (n, T, M) as -1 and +1."""
    values = objective.model(frames).values
    return torch.where(values >= 0, 1.0, -1.0)
