"""ConMH's objective: rebuild the hidden frames from codes, and let the codes of two views meet."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hashing.baselines.conmh.decoder import ConmhDecoder
from hashing.baselines.conmh.network import ConmhModel
from hashing.health import partners_found
from hashing.runner import Runner
from hashing.tasks.contrastive import nt_xent
from hashing.views import Clips


def two_masks(
    videos: int, frames: int, *, share: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw which frames each of two views shows, and which it hides.

    The views share no frame where both fit into the video, else as few as they must.

    Args:
        videos: B.
        frames: T.
        share: Of the frames that a view hides, rounded down.
        generator: Source of chance.

    Returns:
        Places of the shown frames, (2B, S), and of the hidden ones, (2B, T - S); first views first.

    Example:
        >>> shown, hidden = two_masks(1, 25, share=0.75, generator=torch.Generator())
        >>> shown.shape, hidden.shape
        (torch.Size([2, 7]), torch.Size([2, 18]))
    """
    seen = frames - int(share * frames)
    order = torch.rand(videos, frames, generator=generator).argsort(dim=1)  # (B, T)
    both = torch.cat([order, order.flip(1)])  # (2B, T)
    return both[:, :seen], both[:, seen:]


def rebuilding_errors(rebuilt: Tensor, wanted: Tensor) -> Tensor:
    """Return each view's mean squared error, (2B,); 0 where nothing is hidden.

    Args:
        rebuilt: Hidden frames as rebuilt, (2B, T - S, D).
        wanted: As they are.
    """
    if not wanted.numel():
        return wanted.new_zeros(len(wanted))
    return F.mse_loss(rebuilt, wanted, reduction="none").mean(dim=(1, 2))


class _Seen(NamedTuple):
    """Codes of views, (2B, K), and how badly each is rebuilt from, (2B,)."""

    codes: Tensor
    errors: Tensor


class ConmhObjective(nn.Module):
    """The sum of both views' rebuilding losses and the weighted contrastive loss.

    Args:
        model: Encoder and hash layer.
        decoder: Rebuilds hidden frames.
        share: Of the frames that a view hides.
        weight: Of the contrastive loss.
        temperature: Divides its cosines.
        debias: Assumed share of false negatives.
        run: Runs the network; plainly if not given.
    """

    def __init__(
        self,
        *,
        model: ConmhModel,
        decoder: ConmhDecoder,
        share: float,
        weight: float,
        temperature: float,
        debias: float,
        run: Runner | None = None,
    ) -> None:
        super().__init__()
        self.run = run or Runner()
        self.model, self.decoder, self.share = model, decoder, share
        self.weight, self.temperature, self.debias = weight, temperature, debias

    def forward(
        self,
        clips: Clips,
        *,
        rows: Tensor,
        partners: Tensor,
        neighbours: Tensor | None,
        generator: torch.Generator,
        done: float = 1.0,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss and its parts by name; ConMH has neither partners nor a `done`.

        When not training, also how often a view's positive is nearest: ``contrastive_accuracy``.
        """
        masks = two_masks(len(rows), clips.frames.shape[1], share=self.share, generator=generator)
        shown, hidden = (places.to(rows.device) for places in masks)
        owners = rows.repeat(2)[:, None]  # (2B, 1)
        views = clips.frames[owners, shown], shown, clips.frames[owners, hidden], hidden
        # Watching, every process looks at all held-out videos.
        seen = self.run(self._see, *views) if self.training else self._see(*views)
        rebuilding = 2 * seen.errors.mean()
        view_a, view_b = seen.codes.chunk(2)  # (B, K) each
        contrastive = nt_xent(view_a, view_b, temperature=self.temperature, debias=self.debias)
        loss = rebuilding + self.weight * contrastive
        parts = {"loss": loss, "rebuilding": rebuilding, "contrastive": contrastive}
        agreement = F.cosine_similarity(view_a.detach(), view_b.detach()).mean()
        measures = {n: part.detach() for n, part in parts.items()} | {"agreement": agreement}
        if not self.training:
            measures["contrastive_accuracy"] = loss.new_tensor(partners_found(view_a, view_b))
        return loss, measures

    def _see(self, frames: Tensor, shown: Tensor, wanted: Tensor, hidden: Tensor) -> _Seen:
        """Hash views of frames (2B, S, D) and rebuild what they hide (2B, T - S, D)."""
        signs = self.model.signs(self.model.encoded(frames, shown))
        errors = rebuilding_errors(self.decoder(signs, shown, hidden), wanted)
        return _Seen(signs.mean(dim=1), errors)
