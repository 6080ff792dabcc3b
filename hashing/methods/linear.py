"""Baselines without a network, fitted in closed form on mean features. numpy only."""

from __future__ import annotations

import numpy as np

from ..config import AnyConfig
from ..data.training_set import TrainingFrames
from ..model_folder.folder import Tensors
from ..models.hasher import Hasher
from ..models.linear_hash import LinearHash
from ..models.pca import mean_covariance
from .base import FitRequest, Fitted, Method
from .hashing_baseline import fit_hashing_baseline
from .lsh import fit_lsh
from .pca_itq import fit_pca_itq
from .random_codes import RandomHash


class LinearMethod(Method[AnyConfig]):
    """A method whose model is a linear hash of mean features."""

    def fit(self, config: AnyConfig | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Fit the projection directions; the history is empty."""
        fitted = self.fit_linear(frames, bits=request.bits, seed=request.seed)
        return Fitted({"mean": fitted.mean, "directions": fitted.directions}, [])

    def fit_linear(self, frames: TrainingFrames, *, bits: int, seed: int) -> LinearHash:
        """Fit and return the linear hash."""
        raise NotImplementedError

    def load(self, config: AnyConfig | None, tensors: Tensors) -> Hasher:
        """Return the linear hash of saved tensors."""
        return LinearHash(tensors["mean"], tensors["directions"])


class PcaItqMethod(LinearMethod):
    """PCA-ITQ."""

    about = "PCA-ITQ of the videos' mean features, a baseline"

    def fit_linear(self, frames: TrainingFrames, *, bits: int, seed: int) -> LinearHash:
        """Fit PCA and the rotation."""
        return fit_pca_itq(
            frames.means(),
            bits,
            seed=seed,
            frame_covariance=lambda: mean_covariance(frames.frames_for_covariance()).covariance,
        )


class HashingBaselineMethod(LinearMethod):
    """Hashing-Baseline."""

    about = "Hashing-Baseline: PCA of the videos' mean features and a random rotation, a baseline"

    def fit_linear(self, frames: TrainingFrames, *, bits: int, seed: int) -> LinearHash:
        """Fit PCA and draw the rotation."""
        return fit_hashing_baseline(
            frames.means(),
            bits,
            seed=seed,
            frame_covariance=lambda: mean_covariance(frames.frames_for_covariance()).covariance,
        )


class LshMethod(LinearMethod):
    """Locality-sensitive hashing."""

    about = "LSH: random projections of the videos' mean features, a baseline"

    def fit_linear(self, frames: TrainingFrames, *, bits: int, seed: int) -> LinearHash:
        """Draw the directions."""
        return fit_lsh(frames.means(), bits, seed=seed)


class RandomMethod(Method[AnyConfig]):
    """Random codes."""

    about = "random codes, the floor of every comparison"

    def fit(self, config: AnyConfig | None, frames: TrainingFrames, request: FitRequest) -> Fitted:
        """Store the seed and the code length; nothing is fitted."""
        return Fitted({"seed": np.array([request.seed]), "bits": np.array([request.bits])}, [])

    def load(self, config: AnyConfig | None, tensors: Tensors) -> Hasher:
        """Return the hasher that draws the codes."""
        return RandomHash(int(tensors["bits"][0]), int(tensors["seed"][0]))
