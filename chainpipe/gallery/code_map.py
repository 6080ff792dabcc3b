"""A map of a library: two numbers a video, near for videos whose codes or features are near."""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

SEED = 0
PERPLEXITY = 30.0  # neighbours that a video of the map has, about
FEWEST = 10  # videos below which t-SNE says no more than PCA
_START = 1e-4  # spread of the points from which t-SNE starts


class MapKind(Enum):
    """How the map is made; the value is the word of ``--map``."""

    TSNE = "tsne"
    PCA = "pca"

    @property
    def text(self) -> str:
        """The method's name, for people."""
        return "t-SNE" if self is MapKind.TSNE else "PCA"


def map_points(values: npt.NDArray[np.float32], kind: MapKind) -> npt.NDArray[np.float32]:
    """Return places of N videos on a map, (N, 2), each axis from 0 to 1; always the same ones.

    Args:
        values: Codes as -1 and 1, or features, (N, D).
        kind: The method; of few videos, or of equal ones, the map is that of PCA.

    Example:
        >>> map_points(np.array([[0, 0], [2, 0], [4, 0]], np.float32), MapKind.PCA).tolist()
        [[0.0, 0.5], [0.5, 0.5], [1.0, 0.5]]
    """
    points = _principal(values)
    spread = points[:, :1].std() if len(points) else 0.0
    if kind is MapKind.TSNE and len(points) >= FEWEST and spread > 0:
        from sklearn.manifold import TSNE

        model = TSNE(
            perplexity=min(PERPLEXITY, (len(points) - 1) / 3),
            init=(points / spread * _START).astype(np.float32),
            random_state=SEED,
        )
        points = model.fit_transform(values)
    low, wide = points.min(axis=0, initial=np.inf), np.ptp(points, axis=0) if len(points) else 1
    scaled = np.where(wide > 0, (points - low) / np.where(wide > 0, wide, 1), 0.5)
    return np.asarray(scaled, np.float32)


def _principal(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the first two principal components, (N, 2), the larger side of each positive."""
    points = np.zeros((len(values), 2))
    if len(values) < 2:
        return points
    centred = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
    strengths, directions = np.linalg.eigh(centred.T @ centred)
    chosen = directions[:, np.argsort(strengths)[::-1][:2]]
    chosen = chosen * np.where(
        np.take_along_axis(chosen, abs(chosen).argmax(0)[None], 0) < 0, -1, 1
    )
    points[:, : chosen.shape[1]] = np.round(centred @ chosen, 9)
    return points
