"""A trained network made cheap to encode with: nothing is computed that no code needs.

The front and the encoder's first matrix are one matrix. Where the video's mean is binarised, the
encoder is asked for the mean alone, and the skip sees the mean of the features, mapped once a
video. Sums are taken in another order than in training, so a value within the last digits of zero
may come out on the other side; no other bit can differ.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .encoders import Encoder
from .hash_layer import HashLayer

FRAMES = 800  # at a time: the largest intermediate result then fits a core's cache


class FusedHasher:
    """Encodes with the weights that a network has now.

    Args:
        mean: What the front subtracts, (D,).
        matrix: Of the front, (D, M).
        l2_normalize: Whether the front scales each frame to length 1 first.
        encoder: In evaluation mode.
        hash_layer: In evaluation mode.
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
        """Return the codes (B, K) of videos (B, T, D): a bit is 1 where the value is >= 0."""
        codes = np.empty((len(features), self.bits), bool)
        batch = max(1, FRAMES // features.shape[1])
        with torch.inference_mode():
            for start in range(0, len(features), batch):
                part = tensor_of(features[start : start + batch], self.mean.device)
                codes[start : start + batch] = (self.values(part) >= 0).cpu().numpy()
        return codes

    def values(self, features: Tensor) -> Tensor:
        """Return the values whose signs are the codes, (B, K), of videos (B, T, D)."""
        if self.l2_normalize:
            features = F.normalize(features, dim=-1)
        frames = F.linear(features, self.weight, self.bias)  # (B, T, H)
        if self.hash_layer.binarize == "frame":
            encoded = self.encoder.mix(frames)
        else:  # only means count: hand them on as clips of one frame
            encoded = self.encoder.mean(frames)[:, None]
            features = features.mean(dim=1, keepdim=True)
        inputs = (features - self.mean) @ self.matrix
        values: Tensor = self.hash_layer(encoded, inputs, None)[0]
        return values


@torch.no_grad()
def fused(mean: Tensor, matrix: Tensor, input_proj: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return one linear map, weight (H, D) and bias (H,), for the front and ``input_proj``."""
    exact = input_proj.weight.double() @ matrix.double().T  # (H, D)
    weight = exact.float()
    return weight, (input_proj.bias.double() - weight.double() @ mean.double()).float()


def tensor_of(features: npt.NDArray[np.floating], device: torch.device) -> Tensor:
    """Return features of any float type and byte order as float32 on a device."""
    native = features.dtype.newbyteorder("=")
    tensor = torch.from_numpy(np.require(features, native, requirements=("C", "W")))
    return tensor.to(device).float()
