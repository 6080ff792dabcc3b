"""Reflection loss [ours]: codes keep apart content that no training video shows.

Codes that are trained on a library spend all bits on the directions in which its videos differ;
other content then shares codes. Reflecting the inputs, that is flipping the signs of random
principal components, makes videos of other content: as far from each other as those of the library,
in other directions. Other content also varies more evenly over the components than what the PCA was
fitted on, so the spectrum is flattened by a random amount. The codes of reflected videos are to
rank as their features do. No label, no other data and no knowledge of the backbone is needed.
"""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from ..config.losses import ReflectionConfig
from .base import LossContext, Measures, Step
from .similarity_preserving import listwise_loss

_LEAST_STD = 1e-3  # of the largest: smaller ones are rounding errors that flattening would amplify


def random_reflection(std: Tensor, *, flatten: float, generator: torch.Generator) -> Tensor:
    """Draw a random reflection of principal components with a flattened spectrum, a diagonal (M,).

    Component k is multiplied by -1 or 1, and by its variance to the power -a, with a uniform in
    [0, ``flatten``]. A common factor keeps the total variance.

    Args:
        std: Standard deviation of each component over the training frames, (M,).
        flatten: Maximum exponent: 0 keeps the spectrum, 0.5 may make it flat.
        generator: Random number generator.

    Example:
        >>> factors = random_reflection(
        ...     torch.tensor([3.0, 4.0]), flatten=0.0, generator=torch.Generator().manual_seed(0)
        ... )
        >>> factors.abs()
        tensor([1., 1.])
    """
    flipped = torch.rand(len(std), generator=generator) < 0.5
    power = flatten * torch.rand((), generator=generator).item()
    if not std.any():
        power = 0.0  # equal videos have no spectrum to flatten
    least = max(_LEAST_STD * float(std.max()), torch.finfo(std.dtype).tiny)
    scale = std.clamp(min=least) ** (-2 * power)
    if power:
        scale = scale * (std.norm() / (std * scale).norm())
    return torch.where(flipped.to(std.device), -scale, scale)


class ReflectionLoss(nn.Module):
    """Listwise ranking loss between the codes and the features of reflected videos.

    Args:
        num_videos: Maximum number of videos that are reflected in a step.
        flatten: Maximum exponent of the flattened spectrum.
        target_temperature: Softmax temperature of the features.
        temperature: Softmax temperature of the codes.
    """

    def __init__(
        self, *, num_videos: int, flatten: float, target_temperature: float, temperature: float
    ) -> None:
        super().__init__()
        self.num_videos, self.flatten, self.target_temperature, self.temperature = (
            num_videos,
            flatten,
            target_temperature,
            temperature,
        )

    @classmethod
    def from_config(cls, config: ReflectionConfig, context: LossContext) -> Self:
        """Build the loss from its config section."""
        return cls(
            num_videos=config.num_videos,
            flatten=config.flatten,
            target_temperature=config.target_temperature,
            temperature=config.temperature,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss: one reflection of the batch's first views, without augmentation."""
        rows = step.rows[: self.num_videos]
        frames = step.clips.frames[rows[:, None], step.views.frame_indices[: len(rows)]]
        factors = random_reflection(step.clips.std, flatten=self.flatten, generator=step.generator)
        codes = step.model(frames * factors).codes
        features = step.clips.means[rows] * factors
        loss = listwise_loss(
            codes,
            features,
            target_temperature=self.target_temperature,
            temperature=self.temperature,
        )
        return loss, {}
