"""CHAIN's network: PCA whitening, temporal encoder, hash layer; features in, signs out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders import Encoder
from .fused_hasher import FusedHasher
from .hash_layer import HashLayer
from .pca_whitening import PcaWhitening


class HashOutput(NamedTuple):
    """Outputs of the network for a batch of clips.

    Attributes:
        frames: Encoded frames, (B, T, H).
        values: Values whose signs are the code at test time, (B, K).
        codes: Differentiable codes of the L learned bits for the losses, (B, L): the binarizer's
            signs of their values, or the mean of the frames' signs.
    """

    frames: Tensor
    values: Tensor
    codes: Tensor


class HashModel(nn.Module):
    """PCA whitening, encoder and hash layer.

    Args:
        pca: PCA whitening; kept in buffers, never trained.
        encoder: Any temporal encoder from M to H.
        hash_layer: Hash layer for these M and H.
    """

    pca_mean: Tensor
    pca_matrix: Tensor
    pca_std: Tensor

    def __init__(self, *, pca: PcaWhitening, encoder: Encoder, hash_layer: HashLayer) -> None:
        super().__init__()
        self.l2_normalize = pca.l2_normalize
        self.register_buffer("pca_mean", torch.from_numpy(pca.mean.copy()))
        self.register_buffer("pca_matrix", torch.from_numpy(pca.matrix.copy()))
        self.register_buffer("pca_std", torch.from_numpy(pca.std.copy()))
        self.encoder, self.hash_layer = encoder, hash_layer

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.hash_layer.bits

    def project(self, features: Tensor) -> Tensor:
        """Apply PCA whitening to features (B, T, D), (B, T, M)."""
        if self.l2_normalize:
            features = F.normalize(features, dim=-1)
        return (features - self.pca_mean) @ self.pca_matrix

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> HashOutput:
        """Hash clips (B, T, M) after PCA whitening; ``frame_mask`` (B, T) is false at padding."""
        frames = self.encoder(clips, frame_mask)
        values, codes = self.hash_layer(frames, clips, frame_mask)
        return HashOutput(frames, values, codes)

    def fused(self) -> FusedHasher:
        """Return a :class:`FusedHasher` with the current weights; sets evaluation mode."""
        self.eval()
        return FusedHasher(
            mean=self.pca_mean,
            matrix=self.pca_matrix,
            l2_normalize=self.l2_normalize,
            encoder=self.encoder,
            hash_layer=self.hash_layer,
        )

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.fused().encode(features)
