"""CHAIN's network: PCA whitening, temporal encoder, hash layer; features in, signs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.model import HashConfig
from .encoders import Encoder
from .fused_hasher import FusedHasher, parts_of
from .hash_layer import HashLayer
from .hasher import F32
from .inference.tensors import TensorReader
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
        layer = self.hash_layer
        config = HashConfig(
            init="random" if layer.shortcut is None else "pca-itq",
            binarize=layer.binarize,
            l2_normalize=layer.l2_normalize,
            summary=cast(Literal["mean", "trend", "changes"], layer.summary),
        )
        tensors = {name: tensor.cpu().numpy() for name, tensor in self.state_dict().items()}
        return FusedHasher(
            TensorReader(parts_of(tensors)),
            config=config,
            encoder=_TorchFrameMixer(self.encoder, self.pca_mean.device),
            l2_normalize=self.l2_normalize,
        )

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.fused().encode(features)


class _TorchFrameMixer:
    """An encoder of torch, such as a plug-in's, behind its input projection."""

    def __init__(self, encoder: Encoder, device: torch.device) -> None:
        self._encoder, self._device = encoder, device

    def mix(self, frames: F32) -> F32:
        return self._run(self._encoder.mix, frames)

    def mean(self, frames: F32) -> F32:
        return self._run(self._encoder.mean, frames)

    @torch.inference_mode()
    def _run(self, function: Callable[[Tensor], Tensor], frames: F32) -> F32:
        found: F32 = function(torch.from_numpy(frames).to(self._device)).cpu().numpy()
        return found
