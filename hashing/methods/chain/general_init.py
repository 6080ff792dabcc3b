"""What a backbone's classifier gives [ours]: directions in which videos of any content differ.

They are the initial codes of libraries that are too small to fit any, and the general bits of long
codes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.backbones.classifiers import CLASSIFIERS
from chainpipe.pipeline.backbones.lite0_classifier import ClassifierFacts

from ...data.training_set import TrainingFrames
from ...models.pca import MeanCovariance
from ...models.pca_whitening import PcaWhitening, pca_whitening_from_covariance

PRIOR = 16  # videos that the typical feature counts as [ours]


def known_classifier(frames: TrainingFrames) -> ClassifierFacts | None:
    """Return the classifier of the backbone that made the features, ``None`` if it is not known."""
    read = CLASSIFIERS.get((frames.meta.fingerprint.backbone, frames.dim))
    return None if read is None else read()


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
