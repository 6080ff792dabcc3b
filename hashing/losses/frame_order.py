"""Task 2, frame order verification: tell the place of each frame from a shuffled clip."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..config.losses import OrderConfig
from ..data.requirements import order_sample_sizes
from .base import LossContext, Measures, Step


def shuffle_clips(
    clips: Tensor, *, num_frames: int, num_shuffled: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw frames of each clip and mix up some of them.

    Args:
        clips: (B, T, M).
        num_frames: S, how many are drawn, at most T.
        num_shuffled: How many of them change places in a random order; the others stand as they do
            in the video. S is a full shuffle.
        generator: Source of chance.

    Returns:
        The shuffled clips, (B, S, M), and the place in the clip that each frame had, (B, S).
    """
    batch, time, _ = clips.shape
    positions = torch.rand(batch, time, generator=generator).argsort(dim=1)[:, :num_frames]
    if num_shuffled < num_frames:
        positions = _shuffle_some(positions.sort(dim=1).values, num_shuffled, generator)
    positions = positions.to(clips.device)
    return clips[torch.arange(batch, device=clips.device)[:, None], positions], positions


def _shuffle_some(positions: Tensor, num_shuffled: int, generator: torch.Generator) -> Tensor:
    """Put what stands in some random slots of places (B, S) into a random order."""
    slots = torch.rand(positions.shape, generator=generator).argsort(dim=1)[:, :num_shuffled]
    return positions.scatter(1, slots.sort(dim=1).values, positions.gather(1, slots))


def order_chance_level(*, num_positions: int, num_frames: int, num_shuffled: int) -> float:
    """Return the accuracy of the best guess that sees a frame's slot and no frame: chance.

    Slot j of an ordered draw holds place p with probability C(p, j) C(T-1-p, S-1-j) / C(T, S).
    A frame stands in its own slot with probability (S - moved + 1) / S, else in any other.

    Args:
        num_positions: T.
        num_frames: S.
        num_shuffled: How many of the S are mixed up.

    Example:
        >>> round(order_chance_level(num_positions=25, num_frames=8, num_shuffled=8), 6)  # 1 / 25
        0.04
        >>> # 4 stay, and 1 of the other 4 on average
        >>> round(order_chance_level(num_positions=8, num_frames=8, num_shuffled=4), 6)
        0.625
    """
    position = torch.arange(num_positions, dtype=torch.float64)  # (T,)
    slot = torch.arange(num_frames, dtype=torch.float64)[:, None]  # (S, 1)
    ways = _log_choose(position, slot) + _log_choose(
        num_positions - 1 - position, num_frames - 1 - slot
    )
    ordered = ways.softmax(dim=1)  # (S, T)
    own = (num_frames - max(num_shuffled, 1) + 1) / num_frames
    other = (1 - own) / max(num_frames - 1, 1)
    shuffled = own * ordered + other * (ordered.sum(dim=0) - ordered)
    return float(shuffled.amax(dim=1).mean())


def _log_choose(items: Tensor, taken: Tensor) -> Tensor:
    """Return the logarithm of the binomial coefficients; -inf where more are taken than exist."""
    left = (items - taken).clamp(min=-1)
    return (items + 1).lgamma() - (taken + 1).lgamma() - (left + 1).lgamma()


class FrameOrderHead(nn.Module):
    """One linear layer: which of the T places does a frame come from?

    Args:
        hidden_dim: H, numbers of an encoded frame.
        num_positions: T.
    """

    def __init__(self, *, hidden_dim: int, num_positions: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(hidden_dim, num_positions)

    def forward(self, encoded: Tensor) -> Tensor:
        """Return logits (B, S, T) for encoded frames (B, S, H)."""
        logits: Tensor = self.classifier(encoded)
        return logits


def order_loss(logits: Tensor, positions: Tensor, *, label_std: float) -> Tensor:
    """Return the mean cross-entropy of the places, a scalar.

    Neighbouring frames look alike, so the target may be a bell over places instead of one.

    Args:
        logits: (B, S, T).
        positions: True place of each frame, (B, S).
        label_std: Standard deviation of the bell in frames; 0 is the exact place.

    Example:
        >>> order_loss(torch.zeros(1, 2, 4), torch.tensor([[3, 0]]), label_std=0.0)  # log 4
        tensor(1.3863)
    """
    target = gaussian_target(positions, logits.shape[2], label_std=label_std)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(0, 1))


def gaussian_target(positions: Tensor, count: int, *, label_std: float) -> Tensor:
    """Return a distribution over T places around each true one, (B, S, T).

    >>> gaussian_target(torch.tensor([[1]]), 3, label_std=1.0)
    tensor([[[0.2741, 0.4519, 0.2741]]])
    """
    away = positions[:, :, None] - torch.arange(count, device=positions.device)
    std = max(label_std, 1e-3)  # so narrow that all but the true place get exactly 0
    return (-away.square() / (2 * std**2)).softmax(dim=2)


def order_accuracy(logits: Tensor, positions: Tensor) -> Tensor:
    """Return the share of frames whose place is told exactly, a scalar."""
    return (logits.argmax(dim=2) == positions).float().mean()


class FrameOrderLoss(nn.Module):
    """Shuffle each video of the batch, encode it, and ask every frame for its place.

    Args:
        hidden_dim: H, numbers of an encoded frame.
        num_positions: T, frames of a training video.
        num_frames: S, how many of them are drawn.
        num_shuffled: How many of those are mixed up.
        label_std: Standard deviation of the target in frames.

    Attributes:
        chance_level: Accuracy that is reached without looking at a frame.
    """

    def __init__(
        self,
        *,
        hidden_dim: int,
        num_positions: int,
        num_frames: int,
        num_shuffled: int,
        label_std: float,
    ) -> None:
        super().__init__()
        self.num_frames, self.num_shuffled, self.label_std = num_frames, num_shuffled, label_std
        self.chance_level = order_chance_level(
            num_positions=num_positions, num_frames=num_frames, num_shuffled=num_shuffled
        )
        self.head = FrameOrderHead(hidden_dim=hidden_dim, num_positions=num_positions)

    @classmethod
    def from_config(cls, config: OrderConfig, context: LossContext) -> Self:
        """Build the loss from its section, with a new head.

        Raises:
            UsageError: If fewer than two frames would be shuffled.
        """
        num_frames, num_shuffled = order_sample_sizes(config, context.num_frames)
        return cls(
            hidden_dim=context.hidden_dim,
            num_positions=context.num_frames,
            num_frames=num_frames,
            num_shuffled=num_shuffled,
            label_std=config.label_std,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss, the share of right places as ``order_accuracy``, and its chance."""
        clips, positions = shuffle_clips(
            step.clips.frames[step.rows],
            num_frames=self.num_frames,
            num_shuffled=self.num_shuffled,
            generator=step.generator,
        )
        logits = self.head(step.model.encoder(clips))
        loss = order_loss(logits, positions, label_std=self.label_std)
        accuracy = order_accuracy(logits.detach(), positions)
        return loss, {
            "order_accuracy": accuracy,
            "order_chance": loss.new_tensor(self.chance_level),
        }
