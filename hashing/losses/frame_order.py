"""Task 2, frame order verification: tell the place of each frame from a shuffled clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .base import Measures, Step


def shuffle_clips(
    clips: Tensor, *, frames: int, moved: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw frames of each clip and mix up some of them.

    Args:
        clips: (B, T, M).
        frames: S, how many are drawn, at most T.
        moved: How many of them change places in a random order; the others stand as they do in
            the video. S is a full shuffle.
        generator: Source of chance.

    Returns:
        The shuffled clips, (B, S, M), and the place in the clip that each frame had, (B, S).
    """
    batch, time, _ = clips.shape
    places = torch.rand(batch, time, generator=generator).argsort(dim=1)[:, :frames]
    if moved < frames:
        places = _mix_some(places.sort(dim=1).values, moved, generator)
    places = places.to(clips.device)
    return clips[torch.arange(batch, device=clips.device)[:, None], places], places


def _mix_some(places: Tensor, moved: int, generator: torch.Generator) -> Tensor:
    """Put what stands in some random slots of places (B, S) into a random order."""
    slots = torch.rand(places.shape, generator=generator).argsort(dim=1)[:, :moved]
    return places.scatter(1, slots.sort(dim=1).values, places.gather(1, slots))


def slot_chance(*, places: int, frames: int, moved: int) -> float:
    """Return the accuracy of the best guess that sees a frame's slot and no frame: chance.

    Slot j of an ordered draw holds place p with probability C(p, j) C(T-1-p, S-1-j) / C(T, S).
    A frame stands in its own slot with probability (S - moved + 1) / S, else in any other.

    Args:
        places: T.
        frames: S.
        moved: How many of the S are mixed up.

    Example:
        >>> round(slot_chance(places=25, frames=8, moved=8), 6)  # 1 / 25
        0.04
        >>> round(slot_chance(places=8, frames=8, moved=4), 6)  # 4 stay, 1 of the 4 on average
        0.625
    """
    place = torch.arange(places, dtype=torch.float64)  # (T,)
    slot = torch.arange(frames, dtype=torch.float64)[:, None]  # (S, 1)
    ways = _log_choose(place, slot) + _log_choose(places - 1 - place, frames - 1 - slot)
    ordered = ways.softmax(dim=1)  # (S, T)
    own = (frames - max(moved, 1) + 1) / frames
    other = (1 - own) / max(frames - 1, 1)
    shuffled = own * ordered + other * (ordered.sum(dim=0) - ordered)
    return float(shuffled.amax(dim=1).mean())


def _log_choose(items: Tensor, taken: Tensor) -> Tensor:
    """Return the logarithm of the binomial coefficients; -inf where more are taken than exist."""
    left = (items - taken).clamp(min=-1)
    return (items + 1).lgamma() - (taken + 1).lgamma() - (left + 1).lgamma()


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
    away = places[:, :, None] - torch.arange(count, device=places.device)
    width = max(smoothing, 1e-3)  # so narrow that all but the true place get exactly 0
    return (-away.square() / (2 * width**2)).softmax(dim=2)


def order_accuracy(logits: Tensor, places: Tensor) -> Tensor:
    """Return the share of frames whose place is told exactly, a scalar."""
    return (logits.argmax(dim=2) == places).float().mean()


class OrderTask(nn.Module):
    """Shuffle each video of the batch, encode it, and ask every frame for its place.

    Args:
        width: W, numbers of an encoded frame.
        places: T, frames of a training video.
        frames: S, how many of them are drawn.
        moved: How many of those are mixed up.
        smoothing: Standard deviation of the target in frames.

    Attributes:
        chance: Accuracy that is reached without looking at a frame.
    """

    def __init__(
        self, *, width: int, places: int, frames: int, moved: int, smoothing: float
    ) -> None:
        super().__init__()
        self.frames, self.moved, self.smoothing = frames, moved, smoothing
        self.chance = slot_chance(places=places, frames=frames, moved=moved)
        self.head = OrderHead(width=width, places=places)

    def forward(self, step: Step) -> tuple[Tensor, Measures]:
        """Return the loss, the share of right places as ``order_accuracy``, and its chance."""
        clips, places = shuffle_clips(
            step.clips.frames[step.rows],
            frames=self.frames,
            moved=self.moved,
            generator=step.generator,
        )
        logits = self.head(step.model.encoder(clips))
        loss = order_loss(logits, places, smoothing=self.smoothing)
        accuracy = order_accuracy(logits.detach(), places)
        return loss, {"order_accuracy": accuracy, "order_chance": loss.new_tensor(self.chance)}
