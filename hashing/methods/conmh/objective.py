"""ConMH's objective: masked reconstruction from codes, and a contrastive loss between views."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...data.clips import Clips
from ...losses.contrastive import nt_xent
from ...models.hash_model import HashOutput
from ...monitoring.code_metrics import top1_match_rate
from ...training.forward import ForwardRunner
from .decoder import ConmhDecoder
from .network import ConmhModel
from .terms import ConmhBatch, ExtraLosses


def complementary_masks(
    videos: int, frames: int, *, mask_ratio: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw visible and masked frames of two views of each video.

    The two views share as few visible frames as possible; none if both fit into the video.

    Args:
        videos: B.
        frames: T.
        mask_ratio: Fraction of masked frames; their count is rounded down.
        generator: Random number generator.

    Returns:
        Indices of visible frames, (2B, S), and of masked frames, (2B, T - S); first views first.

    Example:
        >>> shown, hidden = complementary_masks(1, 25, mask_ratio=0.75, generator=torch.Generator())
        >>> shown.shape, hidden.shape
        (torch.Size([2, 7]), torch.Size([2, 18]))
    """
    num_visible = frames - int(mask_ratio * frames)
    order = torch.rand(videos, frames, generator=generator).argsort(dim=1)  # (B, T)
    both = torch.cat([order, order.flip(1)])  # (2B, T)
    return both[:, :num_visible], both[:, num_visible:]


def reconstruction_errors(reconstructed: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean squared reconstruction error of each view, (2B,); 0 without masked frames.

    Args:
        reconstructed: Reconstructed features of masked frames, (2B, T - S, D).
        wanted: Their true features, (2B, T - S, D).
    """
    if not wanted.numel():
        return wanted.new_zeros(len(wanted))
    return F.mse_loss(reconstructed, wanted, reduction="none").mean(dim=(1, 2))


class _Views(NamedTuple):
    """Codes of views, (2B, K), and their reconstruction errors, (2B,)."""

    codes: Tensor
    errors: Tensor


class ConmhObjective(nn.Module):
    """Sum of both views' reconstruction losses and the weighted contrastive loss.

    Args:
        model: Encoder and hash layer.
        decoder: Decoder of masked frames.
        mask_ratio: Fraction of masked frames of a view.
        weight: Weight of the contrastive loss.
        temperature: Softmax temperature of its cosines.
        tau_plus: Assumed fraction of false negatives.
        losses: Additional losses and their weights, by name, as those of BTH and S5VH.
        run: The forward runner; by default float32, not compiled.
    """

    def __init__(
        self,
        *,
        model: ConmhModel,
        decoder: ConmhDecoder,
        mask_ratio: float,
        weight: float,
        temperature: float,
        tau_plus: float,
        losses: ExtraLosses | None = None,
        run: ForwardRunner | None = None,
    ) -> None:
        super().__init__()
        self.run = run or ForwardRunner()
        self.model, self.decoder, self.mask_ratio = model, decoder, mask_ratio
        self.weight, self.temperature, self.tau_plus = weight, temperature, tau_plus
        self.losses = nn.ModuleDict({name: module for name, (module, _) in (losses or {}).items()})
        self.weights = {name: mask_ratio for name, (_, mask_ratio) in (losses or {}).items()}

    def forward(
        self,
        clips: Clips,
        *,
        rows: Tensor,
        positive_indices: Tensor,
        neighbours: Tensor | None,
        generator: torch.Generator,
        progress: float = 1.0,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss, a scalar, and its terms by name; positives of other videos are not used.

        In evaluation mode also the top-1 rate of positives as ``contrastive_accuracy``.
        """
        masks = complementary_masks(
            len(rows), clips.frames.shape[1], mask_ratio=self.mask_ratio, generator=generator
        )
        visible, masked = (frame_indices.to(rows.device) for frame_indices in masks)
        video_indices = rows.repeat(2)[:, None]  # (2B, 1)
        views = (
            clips.frames[video_indices, visible],
            visible,
            clips.frames[video_indices, masked],
            masked,
        )
        # In validation every process runs all validation videos: no shards, no gather.
        output = (
            self.run(self._view_outputs, *views) if self.training else self._view_outputs(*views)
        )
        view_a, view_b = output.codes.chunk(2)  # (B, K) each
        parts = {
            "rebuilding": 2 * output.errors.mean(),
            "contrastive": nt_xent(
                view_a, view_b, temperature=self.temperature, tau_plus=self.tau_plus
            ),
        }
        parts |= self._extra_losses(output.codes, clips, rows, progress)
        weights = {"rebuilding": 1.0, "contrastive": self.weight, **self.weights}
        loss = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        positive_cosine = F.cosine_similarity(view_a.detach(), view_b.detach()).mean()
        measures = {n: part.detach() for n, part in parts.items()} | {
            "positive_cosine": positive_cosine
        }
        if not self.training:
            measures["contrastive_accuracy"] = loss.new_tensor(top1_match_rate(view_a, view_b))
        return loss, {"loss": loss.detach(), **measures}

    def _extra_losses(
        self, codes: Tensor, clips: Clips, rows: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Return the unweighted additional losses by name."""
        if not self.losses:
            return {}  # before whole videos are fetched
        frames = clips.frames[rows]
        batch = ConmhBatch(codes, frames, lambda: self._codes(frames), progress)
        return {name: module(batch) for name, module in self.losses.items()}

    @torch.no_grad()
    def _codes(self, frames: Tensor) -> Tensor:
        """Hash whole videos (B, T, D) to codes (B, K)."""
        output: HashOutput = self.run(self.model, frames) if self.training else self.model(frames)
        return output.codes

    def _view_outputs(
        self, frames: Tensor, visible: Tensor, wanted: Tensor, masked: Tensor
    ) -> _Views:
        """Hash visible frames (2B, S, D) and score the reconstruction of masked ones."""
        signs = self.model.signs(self.model.encoded(frames, visible))
        errors = reconstruction_errors(self.decoder(signs, visible, masked), wanted)
        return _Views(signs.mean(dim=1), errors)
