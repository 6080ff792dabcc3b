"""Task 2, frame order verification: tell the place of each frame from a shuffled clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hashing.tasks.base import Measures, Step


def shuffle_clips(
    clips: Tensor, *, frames: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw frames of each clip and put them into a random order.

    Args:
        clips: (B, T, M).
        frames: S, how many are drawn, at most T.
        generator: Source of chance.

    Returns:
        The shuffled clips, (B, S, M), and the place in the clip that each frame had, (B, S).
    """
    batch, time, _ = clips.shape
    places = torch.rand(batch, time, generator=generator).argsort(dim=1)[:, :frames]
    places = places.to(clips.device)
    return clips[torch.arange(batch, device=clips.device)[:, None], places], places


class OrderHead(nn.Module):
    """One linear layer: which of the T places does a frame come from?

    Args:
        width: W, numbers of an encoded frame.
        places: T.
    """

    def __init__(self, *, width: int, places: int) -> None:
        super().__init__()
        self.place = nn.Linear(width, places)

    def forward(self, encoded: Tensor) -> Tensor:
        """Return logits (B, S, T) for encoded frames (B, S, W)."""
        logits: Tensor = self.place(encoded)
        return logits


def order_loss(logits: Tensor, places: Tensor, *, smoothing: float) -> Tensor:
    """Return the mean cross-entropy of the places, a scalar.

    Neighbouring frames look alike, so the target may be a bell over places instead of one.

    Args:
        logits: (B, S, T).
        places: True place of each frame, (B, S).
        smoothing: Standard deviation of the bell in frames; 0 is the exact place.

    Example:
        >>> order_loss(torch.zeros(1, 2, 4), torch.tensor([[3, 0]]), smoothing=0.0)  # log 4
        tensor(1.3863)
    """
    target = bell(places, logits.shape[2], smoothing=smoothing)
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(0, 1))


def bell(places: Tensor, count: int, *, smoothing: float) -> Tensor:
    """Return a distribution over T places around each true one, (B, S, T).

    >>> bell(torch.tensor([[1]]), 3, smoothing=1.0)
    tensor([[[0.2741, 0.4519, 0.2741]]])
    """
    if smoothing == 0:
        return F.one_hot(places, count).float()
    away = places[:, :, None] - torch.arange(count, device=places.device)
    return (-away.square() / (2 * smoothing**2)).softmax(dim=2)


def order_accuracy(logits: Tensor, places: Tensor) -> Tensor:
    """Return the share of frames whose place is told exactly, a scalar."""
    return (logits.argmax(dim=2) == places).float().mean()


class OrderTask(nn.Module):
    """Shuffle each video of the batch, encode it, and ask every frame for its place.

    Args:
        width: W, numbers of an encoded frame.
        places: T, frames of a training video.
        frames: S, how many of them are drawn; 0 is all.
        smoothing: Standard deviation of the target in frames.
    """

    def __init__(self, *, width: int, places: int, frames: int, smoothing: float) -> None:
        super().__init__()
        self.frames = min(frames or places, places)
        self.smoothing = smoothing
        self.head = OrderHead(width=width, places=places)

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss, and the share of right places as ``order_accuracy``."""
        clips, places = shuffle_clips(
            step.clips.frames[step.rows], frames=self.frames, generator=step.generator
        )
        logits = self.head(step.model.encoder(clips))
        loss = order_loss(logits, places, smoothing=self.smoothing)
        return loss, {"order_accuracy": order_accuracy(logits.detach(), places)}
