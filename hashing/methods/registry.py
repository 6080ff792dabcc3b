"""The methods by name, and the way from a model folder to something that encodes.

The baselines need numpy only; torch is imported when a learned model is trained or loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.pipeline.errors import UsageError

from ..config.overrides import apply, from_dict
from ..data.training_set import TrainingFrames
from ..model_folder.folder import ModelFacts, Tensors, read_facts, read_tensors
from ..models.hasher import Hasher
from ..models.linear_hash import LinearHash
from ..models.pca import mean_covariance
from .base import LearnedMethod
from .chain.method import CHAIN
from .conmh import CONMH
from .lsh import fit_lsh
from .pca_itq import fit_pca_itq
from .random_codes import RandomHash

LEARNED: Mapping[str, LearnedMethod[Any]] = {
    "chain": CHAIN,
    "conmh": CONMH,
}
BASELINES: Mapping[str, str] = {
    "pca-itq": "PCA-ITQ of the videos' mean features, a baseline",
    "lsh": "LSH: random projections of the videos' mean features, a baseline",
    "random": "random codes, the floor of every comparison",
}
METHODS = (*LEARNED, *BASELINES)

MAX_BITS = 256


def check_method(method: str, bits: int) -> None:
    """Refuse unknown methods and impossible code lengths.

    Raises:
        UsageError: Naming what would be right.
    """
    if method not in METHODS:
        raise UsageError(f"no method `{method}`", hint="one of " + ", ".join(METHODS))
    if not 1 <= bits <= MAX_BITS:
        raise UsageError(f"`--bits {bits}` is impossible", hint=f"from 1 to {MAX_BITS}")


def about_method(method: str) -> str:
    """Return what a method is, in a sentence without a full stop."""
    return LEARNED[method].about if method in LEARNED else BASELINES[method]


def fit_baseline(method: str, frames: TrainingFrames, *, bits: int, seed: int) -> Tensors:
    """Fit a baseline and return its tensors by name.

    Args:
        method: One of ``BASELINES``.
        frames: The training videos.
        bits: K.
        seed: Of everything that is drawn.
    """
    if method == "random":
        return {"seed": np.array([seed]), "bits": np.array([bits])}
    if method == "lsh":
        fitted = fit_lsh(frames.means(), bits, seed=seed)
    else:
        fitted = fit_pca_itq(
            frames.means(),
            bits,
            seed=seed,
            frame_covariance=lambda: mean_covariance(frames.flat_frames()).covariance,
        )
    return {"mean": fitted.mean, "directions": fitted.directions}


def load_hasher(folder: Path) -> tuple[ModelFacts, Hasher]:
    """Load a finished model.

    Raises:
        NotFoundError: If there is none.
        DamageError: If it is truncated or altered.
        UsageError: If its method is not known here.
    """
    facts, tensors = read_facts(folder), read_tensors(folder)
    check_method(facts.method, facts.bits)
    return facts, build_hasher(facts, tensors)


def build_hasher(facts: ModelFacts, tensors: Tensors) -> Hasher:
    """Return what encodes, from a model's facts and tensors."""
    if facts.method == "random":
        return RandomHash(facts.bits, facts.seed)
    if facts.method in BASELINES:
        return LinearHash(tensors["mean"], tensors["directions"])
    method = LEARNED[facts.method]
    defaults = apply(method.config, method.legacy_defaults)
    return method.load(from_dict(facts.config, defaults), tensors)
