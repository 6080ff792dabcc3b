"""Fused hasher: the trained network, rearranged for fast encoding.

PCA whitening and the encoder's input projection are fused into one matrix. If the mean over frames
is binarized, only the mean of the encoder's output is computed, and the linear shortcut is applied
to the mean feature, once a video. Sums are taken in another order than in training: a bit can
differ only where its value is zero within rounding errors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .clip_summary import SUMMARIES
from .encoders import Encoder
from .hash_layer import HashLayer

FRAMES = 800  # of a batch: the largest intermediate result then fits the cache of a core


class FusedHasher:
    """Encodes videos with the current weights of a network.

    Args:
        mean: Mean of PCA whitening, (D,).
        matrix: Matrix of PCA whitening, (D, M).
        l2_normalize: Whether each frame is L2-normalized first.
        encoder: Temporal encoder, in evaluation mode.
        hash_layer: Hash layer, in evaluation mode.
    """

    def __init__(
        self,
        *,
        mean: Tensor,
        matrix: Tensor,
        l2_normalize: bool,
        encoder: Encoder,
        hash_layer: HashLayer,
    ) -> None:
        self.mean, self.matrix, self.l2_normalize = mean, matrix, l2_normalize
        self.encoder, self.hash_layer = encoder, hash_layer
        self.weight, self.bias = fused(mean, matrix, encoder.input_proj)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.hash_layer.bits

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Encode videos (B, T, D) to codes (B, K): a bit is true where the value is >= 0."""
        return self.values(features) >= 0

    def values(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Map videos (B, T, D) to values (B, K), whose signs are the bits."""
        values = np.empty((len(features), self.bits), np.float32)
        batch = max(1, FRAMES // features.shape[1])
        with torch.inference_mode():
            for start in range(0, len(features), batch):
                part = tensor_of(features[start : start + batch], self.mean.device)
                values[start : start + batch] = self.forward(part).cpu().numpy()
        return values

    def forward(self, features: Tensor) -> Tensor:
        """Compute the values (B, K), whose signs are the codes, of videos (B, T, D)."""
        if self.l2_normalize:
            features = F.normalize(features, dim=-1)
        frames = F.linear(features, self.weight, self.bias)  # (B, T, H)
        if self.hash_layer.binarize == "frame":
            inputs = (features - self.mean) @ self.matrix
            values: Tensor = self.hash_layer(self.encoder.mix(frames), inputs, None)[0]
            return values
        return self.hash_layer.values(self.encoder.mean(frames), self._summary(features))

    def _summary(self, features: Tensor) -> Tensor:
        """Summarize videos (B, T, D) by one vector each, (B, M)."""
        if self.hash_layer.summary == "mean":  # the mean first, then one product instead of T
            return (features.mean(dim=1) - self.mean) @ self.matrix
        return SUMMARIES[self.hash_layer.summary]((features - self.mean) @ self.matrix, None)


@torch.no_grad()
def fused(mean: Tensor, matrix: Tensor, input_proj: nn.Linear) -> tuple[Tensor, Tensor]:
    """Fuse PCA whitening and ``input_proj`` to one linear layer, weight (H, D) and bias (H,)."""
    # In float64: the product is rounded once, as the two factors were.
    exact = input_proj.weight.double() @ matrix.double().T  # (H, D)
    weight = exact.float()
    return weight, (input_proj.bias.double() - weight.double() @ mean.double()).float()


def tensor_of(features: npt.NDArray[np.floating], device: torch.device) -> Tensor:
    """Convert features of any float type and byte order to float32 on a device."""
    native = features.dtype.newbyteorder("=")
    tensor = torch.from_numpy(np.require(features, native, requirements=("C", "W")))
    return tensor.to(device).float()
