"""Frame-order loss (pretext task 2): predict the position of each frame of a shuffled clip."""

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
    """Sample S frames of each clip and permute some of them.

    Args:
        clips: Projected frames, (B, T, M).
        num_frames: S, frames to sample, at most T.
        num_shuffled: Frames that are permuted among themselves; the others keep the order of the
            video. S is a full shuffle.
        generator: Random number generator.

    Returns:
        The shuffled clips, (B, S, M), and the original position of each frame, (B, S).
    """
    batch, time, _ = clips.shape
    positions = torch.rand(batch, time, generator=generator).argsort(dim=1)[:, :num_frames]
    if num_shuffled < num_frames:
        positions = _shuffle_some(positions.sort(dim=1).values, num_shuffled, generator)
    positions = positions.to(clips.device)
    return clips[torch.arange(batch, device=clips.device)[:, None], positions], positions


def _shuffle_some(positions: Tensor, num_shuffled: int, generator: torch.Generator) -> Tensor:
    """Permute positions (B, S) in ``num_shuffled`` random slots."""
    slots = torch.rand(positions.shape, generator=generator).argsort(dim=1)[:, :num_shuffled]
    return positions.scatter(1, slots.sort(dim=1).values, positions.gather(1, slots))


def order_chance_level(*, num_positions: int, num_frames: int, num_shuffled: int) -> float:
    """Return the chance level: the best accuracy of a predictor that sees only the slot index.

    Slot j of a sorted sample has position p with probability C(p, j) C(T-1-p, S-1-j) / C(T, S).
    A frame is in its own slot with probability (S - num_shuffled + 1) / S, else in any other.

    Args:
        num_positions: T.
        num_frames: S.
        num_shuffled: Permuted frames of the S.

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
    """Return log binomial coefficients; -inf where ``taken`` is larger than ``items``."""
    left = (items - taken).clamp(min=-1)
    return (items + 1).lgamma() - (taken + 1).lgamma() - (left + 1).lgamma()


class FrameOrderHead(nn.Module):
    """Linear classifier of the original position, encoded frames (B, S, H) to logits (B, S, T).

    Args:
        hidden_dim: H, hidden size of the encoder's output.
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
    """Return the mean cross-entropy of the positions, a scalar.

    Adjacent frames are similar, so the target may be a Gaussian over positions.

    Args:
        logits: Logits over positions, (B, S, T).
        positions: True position of each frame, (B, S).
        label_std: Standard deviation of the Gaussian target in frames; 0 is one-hot.

    Example:
        >>> order_loss(torch.zeros(1, 2, 4), torch.tensor([[3, 0]]), label_std=0.0)  # log 4
        tensor(1.3863)
    """
    target = gaussian_target(positions, logits.shape[2], label_std=label_std)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(0, 1))


def gaussian_target(positions: Tensor, count: int, *, label_std: float) -> Tensor:
    """Return Gaussian target distributions over T positions, (B, S, T).

    >>> gaussian_target(torch.tensor([[1]]), 3, label_std=1.0)
    tensor([[[0.2741, 0.4519, 0.2741]]])
    """
    away = positions[:, :, None] - torch.arange(count, device=positions.device)
    std = max(label_std, 1e-3)  # narrow enough for an exact one-hot target
    return (-away.square() / (2 * std**2)).softmax(dim=2)


def order_accuracy(logits: Tensor, positions: Tensor) -> Tensor:
    """Return the top-1 accuracy of the positions, a scalar."""
    return (logits.argmax(dim=2) == positions).float().mean()


class FrameOrderLoss(nn.Module):
    """Frame-order loss: shuffle each video, encode it and classify the position of every frame.

    Args:
        hidden_dim: H, hidden size of the encoder's output.
        num_positions: T, frames of a training video.
        num_frames: S, frames sampled per video.
        num_shuffled: Permuted frames of the S.
        label_std: Standard deviation of the Gaussian target in frames.
        num_videos: Maximum number of videos of a batch; 0 is all.

    Attributes:
        chance_level: Accuracy of the best predictor that does not see the frames.
    """

    def __init__(
        self,
        *,
        hidden_dim: int,
        num_positions: int,
        num_frames: int,
        num_shuffled: int,
        label_std: float,
        num_videos: int = 0,
    ) -> None:
        super().__init__()
        self.num_frames, self.num_shuffled, self.label_std = num_frames, num_shuffled, label_std
        self.num_videos = num_videos
        self.chance_level = order_chance_level(
            num_positions=num_positions, num_frames=num_frames, num_shuffled=num_shuffled
        )
        self.head = FrameOrderHead(hidden_dim=hidden_dim, num_positions=num_positions)

    @classmethod
    def from_config(cls, config: OrderConfig, context: LossContext) -> Self:
        """Build the loss from its config section, with a new head.

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
            num_videos=config.num_videos,
        )

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss, the top-1 accuracy ``order_accuracy`` and its level ``order_chance``."""
        count = self.num_videos if self.training and self.num_videos else len(step.rows)
        clips, positions = shuffle_clips(
            step.clips.frames[step.rows[:count]],
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
