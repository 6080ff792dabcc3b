"""A method of your own: signs of the K features that vary most, around their medians.

Use: chainpipe train feats.h5 --plugin my_method.py --method top-variance
"""

from __future__ import annotations

import numpy as np

from chainpipe.plugins import (
    AnyConfig,
    FitRequest,
    Fitted,
    LinearHash,
    Method,
    TrainingFrames,
    register,
)


@register.method("top-variance")
class TopVariance(Method[AnyConfig]):
    """Bits are single features: no rotation, no projection."""

    about = "Signs of the features that vary most, around their medians"

    def fit(self, config: AnyConfig | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Choose K of the D features by the variance of the videos' means."""
        means = frames.means()  # (B, D)
        best = np.argsort(-means.var(axis=0), kind="stable")
        chosen = np.resize(best, request.bits)  # K > D repeats some
        directions = np.zeros((means.shape[1], request.bits), np.float32)
        directions[chosen, np.arange(request.bits)] = 1
        centre = np.median(means, axis=0).astype(np.float32)
        return Fitted({"centre": centre, "directions": directions}, history=[])

    def load(self, config: AnyConfig | None, tensors: dict[str, np.ndarray]) -> LinearHash:
        """Return what encodes."""
        return LinearHash(tensors["centre"], tensors["directions"])
