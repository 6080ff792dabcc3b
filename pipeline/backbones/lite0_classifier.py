"""What EfficientNet-Lite0's own classifier says of its features: directions and a typical feature.

The 1000 weight vectors of the classifier point to the contents that the network was trained to tell
apart, so their principal axes are directions in which videos of any content differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .efficientnet_lite0 import weights_file

NAME, DIM = "cnn:efficientnet-lite0", 1280
_CEILING = 6.0  # of ReLU6, the last activation
_GRID = 401


@dataclass(frozen=True, slots=True, repr=False)
class ClassifierFacts:
    """Facts of a backbone's classifier.

    Attributes:
        directions: Weight vector of each class, centred on their mean, (C, D) float64.
        mean: Feature of a typical picture, (D,) float64.
    """

    directions: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]


def lite0_classifier() -> ClassifierFacts:
    """Return the facts of EfficientNet-Lite0's classifier, from the installed weights.

    The typical feature is the expected value of the last layer, ReLU6 of a batch-normalized
    value, which is close to Gaussian with that layer's bias as mean and its weight as deviation.

    Raises:
        UsageError: If the weights are not installed.
        DamageError: If they are not the published ones.
    """
    import torch

    weights = torch.load(weights_file(), map_location="cpu", weights_only=True)
    directions, deviation, bias = (
        weights[name].double().numpy() for name in ("_fc.weight", "_bn1.weight", "_bn1.bias")
    )
    quantiles = _gaussian_quantiles()
    values = np.clip(bias + deviation * quantiles[:, None], 0.0, _CEILING)  # (quantiles, D)
    return ClassifierFacts(directions - directions.mean(axis=0), values.mean(axis=0))


def _gaussian_quantiles() -> npt.NDArray[np.float64]:
    from scipy.stats import norm

    levels = (np.arange(_GRID) + 0.5) / _GRID
    return np.asarray(norm.ppf(levels), np.float64)
