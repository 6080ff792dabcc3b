"""ConMH's objective: rebuild the hidden frames from codes, and let the codes of two views meet."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...losses.contrastive import nt_xent
from ...models.hash_model import Hashed
from ...monitoring.code_metrics import partners_found
from ...training.forward import Runner
from ...views.view_maker import Clips
from .decoder import ConmhDecoder
from .network import ConmhModel
from .terms import Seen, Terms


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


class _Views(NamedTuple):
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
        terms: Further ones, and the weight of each, by name; those of other rivals.
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
        terms: Terms | None = None,
        run: Runner | None = None,
    ) -> None:
        super().__init__()
        self.run = run or Runner()
        self.model, self.decoder, self.share = model, decoder, share
        self.weight, self.temperature, self.debias = weight, temperature, debias
        self.terms = nn.ModuleDict({name: term for name, (term, _) in (terms or {}).items()})
        self.weights = {name: share for name, (_, share) in (terms or {}).items()}

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
        """Return the loss and its parts by name; partners and neighbours are not looked at.

        When not training, also how often a view's positive is nearest: ``contrastive_accuracy``.
        """
        masks = two_masks(len(rows), clips.frames.shape[1], share=self.share, generator=generator)
        shown, hidden = (places.to(rows.device) for places in masks)
        owners = rows.repeat(2)[:, None]  # (2B, 1)
        views = clips.frames[owners, shown], shown, clips.frames[owners, hidden], hidden
        # Watching, every process looks at all held-out videos.
        hashed = self.run(self._see, *views) if self.training else self._see(*views)
        view_a, view_b = hashed.codes.chunk(2)  # (B, K) each
        parts = {
            "rebuilding": 2 * hashed.errors.mean(),
            "contrastive": nt_xent(
                view_a, view_b, temperature=self.temperature, debias=self.debias
            ),
        }
        parts |= self._further(hashed.codes, clips, rows, done)
        weights = {"rebuilding": 1.0, "contrastive": self.weight, **self.weights}
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        agreement = F.cosine_similarity(view_a.detach(), view_b.detach()).mean()
        measures = {n: part.detach() for n, part in parts.items()} | {"agreement": agreement}
        if not self.training:
            measures["contrastive_accuracy"] = loss.new_tensor(partners_found(view_a, view_b))
        return loss, {"loss": loss.detach(), **measures}

    def _further(self, codes: Tensor, clips: Clips, rows: Tensor, done: float) -> dict[str, Tensor]:
        """Return the unweighted further terms by name."""
        if not self.terms:
            return {}  # spares fetching whole videos
        frames = clips.frames[rows]
        seen = Seen(codes, frames, lambda: self._codes(frames), done)
        return {name: term(seen) for name, term in self.terms.items()}

    @torch.no_grad()
    def _codes(self, frames: Tensor) -> Tensor:
        """Hash whole videos (B, T, D), (B, K)."""
        hashed: Hashed = self.run(self.model, frames) if self.training else self.model(frames)
        return hashed.codes

    def _see(self, frames: Tensor, shown: Tensor, wanted: Tensor, hidden: Tensor) -> _Views:
        """Hash views of frames (2B, S, D) and rebuild what they hide (2B, T - S, D)."""
        signs = self.model.signs(self.model.encoded(frames, shown))
        errors = rebuilding_errors(self.decoder(signs, shown, hidden), wanted)
        return _Views(signs.mean(dim=1), errors)
