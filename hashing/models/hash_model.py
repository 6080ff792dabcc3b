"""CHAIN's network: fixed front, temporal encoder, hash layer; features in, signs out."""

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
    """What the network makes of a batch of clips.

    Attributes:
        frames: The encoder's output, (B, T, H).
        values: Numbers whose signs are the code at test time, (B, K).
        codes: What the losses see, (B, K): signs of ``values``, or the mean of the frames' signs,
            or the binarizer's stand-ins for them.
    """

    frames: Tensor
    values: Tensor
    codes: Tensor


class HashModel(nn.Module):
    """Front, encoder and hash layer.

    Args:
        pca: The fixed front; kept in buffers, never trained.
        encoder: Any temporal encoder.
        hash_layer: Fits the encoder's width and the front's M.
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
        """Map features (B, T, D) through the fixed front to clips (B, T, M)."""
        if self.l2_normalize:
            features = F.normalize(features, dim=-1)
        return (features - self.pca_mean) @ self.pca_matrix

    def forward(self, clips: Tensor, frame_mask: Tensor | None = None) -> HashOutput:
        """Hash clips (B, T, M) that went through the front; ``frame_mask`` (B, T) masks padding."""
        frames = self.encoder(clips, frame_mask)
        values, codes = self.hash_layer(frames, clips, frame_mask)
        return HashOutput(frames, values, codes)

    def fused(self) -> FusedHasher:
        """Return what encodes with the weights as they are now, faster than the network itself."""
        self.eval()
        return FusedHasher(
            mean=self.pca_mean,
            matrix=self.pca_matrix,
            l2_normalize=self.l2_normalize,
            encoder=self.encoder,
            hash_layer=self.hash_layer,
        )

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (B, K) of videos (B, T, D): a bit is 1 where the value is >= 0."""
        return self.fused().encode(features)
