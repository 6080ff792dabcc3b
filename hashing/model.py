"""CHAIN's network: fixed front, temporal encoder, hash layer; features in, signs out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hashing.baselines.linear import LinearHash
from hashing.binarize import sign
from hashing.encoders import Encoder
from hashing.front import Front

Binarize = Literal["video", "frame"]

ENCODE_BATCH = 128


@dataclass(frozen=True, slots=True)
class Hashed:
    """What the network makes of a batch of clips.

    Attributes:
        frames: The encoder's output, (B, T, W).
        values: Numbers whose signs are the code at test time, (B, K).
        codes: What the losses see, with a straight-through gradient: signs of ``values``, or the
            mean of the frames' signs, (B, K).
    """

    frames: Tensor
    values: Tensor
    codes: Tensor


class HashLayer(nn.Module):
    """From encoded frames to K numbers a video.

    With a skip, the learned part's last layer starts at zero, so that the first codes are those
    of the skip alone.

    Args:
        dims: M, numbers a frame before the encoder.
        width: W, numbers a frame after it.
        bits: K.
        binarize: Sign of the video's mean, or of each frame before the mean.
        skip: Whether the input reaches the bits directly, too.
        unit_mean: Whether the skip's input is scaled to length 1.
    """

    def __init__(
        self,
        *,
        dims: int,
        width: int,
        bits: int,
        binarize: Binarize,
        skip: bool,
        unit_mean: bool,
    ) -> None:
        super().__init__()
        self.binarize, self.unit_mean = binarize, unit_mean
        self.norm = nn.LayerNorm(width)
        self.learned = nn.Linear(width, bits)
        self.skip = nn.Linear(dims, bits) if skip else None
        if skip:
            nn.init.zeros_(self.learned.weight)
            nn.init.zeros_(self.learned.bias)

    def start_as(self, start: LinearHash) -> None:
        """Set the skip to a linear hash fitted on mean inputs (N, M)."""
        if self.skip is None:
            raise ValueError("a hash layer without a skip cannot start as a linear hash")
        directions = torch.from_numpy(start.directions)
        with torch.no_grad():
            self.skip.weight.copy_(directions.T)
            self.skip.bias.copy_(-torch.from_numpy(start.mean) @ directions)

    def forward(
        self, encoded: Tensor, inputs: Tensor, shown: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return values and codes, (B, K) each, for frames (B, T, W) and their inputs (B, T, M)."""
        if self.binarize == "frame":
            signs = sign(self._values(encoded, inputs))  # (B, T, K)
            mean = mean_of_shown(signs, shown)
            return mean, mean
        values = self._values(mean_of_shown(encoded, shown), mean_of_shown(inputs, shown))
        return values, sign(values)

    def _values(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        values: Tensor = self.learned(self.norm(encoded))
        if self.skip is None:
            return values
        direct: Tensor = self.skip(F.normalize(inputs, dim=-1) if self.unit_mean else inputs)
        return values + direct


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
        return self.hash_layer.learned.out_features

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

    def encode(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Return the codes (N, K) of videos (N, T, D): a bit is 1 where the value is >= 0."""
        self.eval()
        codes = np.empty((len(features), self.bits), bool)
        with torch.inference_mode():
            for start in range(0, len(features), ENCODE_BATCH):
                part = features[start : start + ENCODE_BATCH].astype(np.float32)
                clips = self.project(torch.from_numpy(part).to(self.front_mean.device))
                codes[start : start + len(part)] = (self(clips).values >= 0).cpu().numpy()
        return codes


def mean_of_shown(frames: Tensor, shown: Tensor | None) -> Tensor:
    """Return the mean over frames (B, T, X) that exist, (B, X)."""
    if shown is None:
        return frames.mean(dim=1)
    weights = shown.to(frames.dtype)[:, :, None]  # (B, T, 1)
    return (frames * weights).sum(dim=1) / weights.sum(dim=1)
