"""Hash head of CroVCA-like: mean feature, linear layer or MLP, batch normalization, signs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...models.hash_model import HashOutput
from ...models.linear_hash import video_means


class CrovcaModel(nn.Module):
    """PCA and hash head; the final batch normalization balances the bits.

    Args:
        mean: Mean of the frame features, (D,).
        matrix: PCA, (D, M).
        hidden_dim: Hidden size of the MLP; 0: one linear layer.
        bits: K, the length of a code.
    """

    pca_mean: Tensor
    pca_matrix: Tensor

    def __init__(self, *, mean: Tensor, matrix: Tensor, hidden_dim: int, bits: int) -> None:
        super().__init__()
        self.register_buffer("pca_mean", mean)
        self.register_buffer("pca_matrix", matrix)
        dims = matrix.shape[1]
        self.head: nn.Module = nn.Linear(dims, bits, bias=False)
        if hidden_dim:
            self.head = nn.Sequential(
                nn.Linear(dims, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, bits, bias=False)
            )
        self.norm = nn.BatchNorm1d(bits, affine=False)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.norm.num_features

    def forward(self, clips: Tensor) -> HashOutput:
        """Hash clips (B, T, M) after PCA."""
        values: Tensor = self.norm(self.head(clips.mean(dim=1)))
        return HashOutput(clips, values, values)

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.values(features) >= 0

    def values(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Map videos (B, T, D) to values (B, K)."""
        self.eval()
        with torch.inference_mode():
            means = torch.from_numpy(video_means(features)).to(self.pca_mean.device)
            projected = (means - self.pca_mean) @ self.pca_matrix
            found: npt.NDArray[np.float32] = self.norm(self.head(projected)).cpu().numpy()
        return found
