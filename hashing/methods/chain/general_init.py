"""Initial codes for too few videos: directions of the backbone's classifier [ours]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.backbones.lite0_classifier import NAME, ClassifierFacts, lite0_classifier

from ...data.training_set import TrainingFrames
from ...models.pca import MeanCovariance
from ...models.pca_whitening import PcaWhitening, pca_whitening_from_covariance

PRIOR = 16  # videos that the typical feature counts as [ours]
_CLASSIFIERS: dict[str, Callable[[], ClassifierFacts]] = {NAME: lite0_classifier}


def known_classifier(frames: TrainingFrames) -> ClassifierFacts | None:
    """Return the classifier of the backbone that made the features, ``None`` if it is not known."""
    read = _CLASSIFIERS.get(frames.meta.fingerprint.backbone)
    found = None if read is None else read()
    return found if found is not None and len(found.mean) == frames.dim else None


def general_pca(
    known: ClassifierFacts, means: npt.NDArray[np.floating], *, dims: int
) -> PcaWhitening:
    """Return the PCA of a classifier's directions, centred between its mean and the videos'.

    Args:
        known: The classifier.
        means: Mean feature of each training video, (N, D).
        dims: Maximum number of components.
    """
    count = len(means)
    centre = (means.sum(axis=0, dtype=np.float64) + PRIOR * known.mean) / (count + PRIOR)
    covariance = known.directions.T @ known.directions / len(known.directions)
    measured = MeanCovariance(len(known.directions), centre, covariance)
    return pca_whitening_from_covariance(measured, dims=dims, whitening=0.0)
