"""Hash layer: encoded frames (B, T, H) and their inputs (B, T, M) to values (B, K) and codes.

A code may have two parts: G general bits, a fixed linear hash of the inputs, then L = K - G learned
bits. The general bits keep apart what the tasks would fold together.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .binarizers import Binarizer, StraightThrough, sign
from .clip_summary import SUMMARIES, masked_mean
from .linear_hash import LinearHash

Binarize = Literal["video", "frame"]


class HashLayer(nn.Module):
    """Linear head over encoded frames, with an optional linear shortcut from their inputs.

    With a shortcut, the head is initialized to zero: the initial codes are then exactly those of
    the shortcut, which PCA-ITQ fits, and training improves on a good code instead of a random one.

    Args:
        dims: M, size of an input frame.
        hidden_dim: H, size of an encoded frame.
        bits: K, code length.
        general_bits: G, bits that no task trains; fewer than K.
        binarize: ``video``: sign of the mean over frames; ``frame``: mean of the frames' signs.
        shortcut: Whether to add a linear map of the input.
        l2_normalize: Whether to L2-normalize the input of the shortcut.
        summary: What the shortcut reads of a video, a name of ``SUMMARIES``.
        binarizer: Differentiable sign in training; straight-through if not given.
    """

    def __init__(
        self,
        *,
        dims: int,
        hidden_dim: int,
        bits: int,
        binarize: Binarize,
        shortcut: bool,
        l2_normalize: bool,
        summary: str = "mean",
        binarizer: Binarizer | None = None,
        general_bits: int = 0,
    ) -> None:
        super().__init__()
        self.binarize, self.l2_normalize = binarize, l2_normalize
        self.summary = summary
        self.binarizer = binarizer or StraightThrough()
        self.norm = nn.LayerNorm(hidden_dim)
        learned = bits - general_bits
        self.head = nn.Linear(hidden_dim, learned)
        self.shortcut = nn.Linear(dims, learned) if shortcut else None
        self.general = nn.Linear(dims, general_bits).requires_grad_(False) if general_bits else None
        if shortcut:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    @property
    def bits(self) -> int:
        """K, the length of a code."""
        return self.learned_bits + (0 if self.general is None else self.general.out_features)

    @property
    def learned_bits(self) -> int:
        """L, the number of bits that the losses train."""
        return self.head.out_features

    def init_shortcut(self, initial: LinearHash) -> None:
        """Set the shortcut to a linear hash fitted on mean inputs (N, M).

        Raises:
            ValueError: If the layer has no shortcut.
        """
        if self.shortcut is None:
            raise ValueError("a hash layer without a shortcut cannot start as a linear hash")
        _copy(initial, self.shortcut)

    def init_general(self, initial: LinearHash) -> None:
        """Set the general bits to a linear hash fitted on mean inputs (N, M).

        Raises:
            ValueError: If the layer has no general bits.
        """
        if self.general is None:
            raise ValueError("the hash layer has no general bits")
        _copy(initial, self.general)

    def forward(
        self, encoded: Tensor, inputs: Tensor, frame_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Map encoded frames (B, T, H) and inputs (B, T, M) to values (B, K) and codes (B, L).

        The codes are those of the learned bits alone.
        """
        if self.binarize == "frame":
            every = self._learned(encoded, inputs)  # (B, T, L)
            values = masked_mean(sign(self._all(every, inputs)), frame_mask)
            return values, masked_mean(self.binarizer(every), frame_mask)
        summary = SUMMARIES[self.summary](inputs, frame_mask)
        learned = self._learned(masked_mean(encoded, frame_mask), summary)
        return self._all(learned, summary), self.binarizer(learned)

    def values(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        """Map encoded (..., H) and summaries (..., M), of frames or videos, to values (..., K)."""
        return self._all(self._learned(encoded, inputs), inputs)

    def _learned(self, encoded: Tensor, inputs: Tensor) -> Tensor:
        values: Tensor = self.head(self.norm(encoded))
        return values if self.shortcut is None else values + self.shortcut(self._unit(inputs))

    def _all(self, learned: Tensor, inputs: Tensor) -> Tensor:
        """Return the values of all bits, the general ones first."""
        if self.general is None:
            return learned
        return torch.cat([self.general(self._unit(inputs)), learned], dim=-1)

    def _unit(self, inputs: Tensor) -> Tensor:
        return F.normalize(inputs, dim=-1) if self.l2_normalize else inputs


@torch.no_grad()
def _copy(initial: LinearHash, layer: nn.Linear) -> None:
    directions = torch.from_numpy(initial.directions)
    layer.weight.copy_(directions.T)
    layer.bias.copy_(-torch.from_numpy(initial.mean) @ directions)
