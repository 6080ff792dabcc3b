"""Hash head of CroVCA-like: mean feature, linear layer or MLP, batch normalization, signs."""

from __future__ import annotations

from torch import Tensor, nn

from ...models.hash_model import HashOutput


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
