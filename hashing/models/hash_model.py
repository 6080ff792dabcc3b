"""CHAIN's network: fixed front, temporal encoder, hash layer; features in, signs out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders import Encoder
from .fused_hasher import FoldedHasher
from .pca_whitening import Front
from .hash_layer import HashLayer


class Hashed(NamedTuple):
    """What the network makes of a batch of clips.

    Attributes:
        frames: The encoder's output, (B, T, W).
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
        front: The fixed front; kept in buffers, never trained.
        encoder: Any temporal encoder.
        hash_layer: Fits the encoder's width and the front's M.
    """

    front_mean: Tensor
    front_matrix: Tensor
    front_spread: Tensor

    def __init__(self, *, front: Front, encoder: Encoder, hash_layer: HashLayer) -> None:
        super().__init__()
        self.unit_frames = front.unit_frames
        self.register_buffer("front_mean", torch.from_numpy(front.mean.copy()))
        self.register_buffer("front_matrix", torch.from_numpy(front.matrix.copy()))
        self.register_buffer("front_spread", torch.from_numpy(front.spread.copy()))
        self.encoder, self.hash_layer = encoder, hash_layer

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.hash_layer.bits

    def project(self, features: Tensor) -> Tensor:
        """Map features (B, T, D) through the fixed front to clips (B, T, M)."""
        if self.unit_frames:
            features = F.normalize(features, dim=-1)
        return (features - self.front_mean) @ self.front_matrix

    def forward(self, clips: Tensor, shown: Tensor | None = None) -> Hashed:
        """Hash clips (B, T, M) that went through the front; ``shown`` (B, T) masks padding."""
        frames = self.encoder(clips, shown)
        values, codes = self.hash_layer(frames, clips, shown)
        return Hashed(frames, values, codes)

    def folded(self) -> FoldedHasher:
        """Return what encodes with the weights as they are now, faster than the network itself."""
        self.eval()
        return FoldedHasher(
            mean=self.front_mean,
            matrix=self.front_matrix,
            unit_frames=self.unit_frames,
            encoder=self.encoder,
            hash_layer=self.hash_layer,
        )

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (N, K) of videos (N, T, D): a bit is 1 where the value is >= 0."""
        return self.folded().encode(features)
