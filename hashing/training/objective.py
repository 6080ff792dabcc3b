"""The objective: the weighted sum of the losses, with every term by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..data.clips import Clips
from ..losses.base import Loss, Step
from ..models.hash_model import HashModel
from ..runtime.schedules import linear_warmup
from ..views.view_maker import ViewMaker
from .forward import ForwardModel, ForwardRunner


class Objective(nn.Module):
    """Weighted sum of losses: draws the views of a batch, runs one forward pass, sums the losses.

    Args:
        model: The network.
        views: Draws the two views of each video.
        losses: Losses by name, a ``torch.nn.Module`` each.
        weights: Weight of each loss, by the same names.
        warmups: Fraction of the run of each loss's linear weight warm-up; default 0.
        run: The forward runner; by default float32, not compiled.

    Raises:
        ValueError: If the names differ.
    """

    def __init__(
        self,
        *,
        model: HashModel,
        views: ViewMaker,
        losses: Mapping[str, Loss],
        weights: Mapping[str, float],
        warmups: Mapping[str, float] | None = None,
        run: ForwardRunner | None = None,
    ) -> None:
        super().__init__()
        if set(losses) != set(weights):
            raise ValueError(f"tasks {sorted(losses)} but weights {sorted(weights)}")
        self.warmups, self.run = dict(warmups or {}), run or ForwardRunner()
        self.model, self.views, self.weights = model, views, dict(weights)
        self.losses = nn.ModuleDict(
            {name: _module(loss_module) for name, loss_module in losses.items()}
        )

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
        """Return the weighted sum, a scalar, and all unweighted losses and metrics by name.

        Args:
            clips: All training videos.
            rows: Video indices of the batch, (B,).
            positive_indices: Index of the video that gives each second view, (B,).
            neighbours: Neighbours of every video, (N, k), or ``None``.
            generator: Random number generator of the step.
            progress: Fraction of the run's steps that are done, in [0, 1].
        """
        self.model.hash_layer.binarizer.set_progress(progress)
        views = self.views(clips, rows, positive_indices, generator)
        # In validation every process runs all validation videos: no shards, no gather.
        network = ForwardModel(self.model, self.run) if self.training else self.model
        output = network(views.clips, views.frame_mask)
        step = Step(network, clips, views, output, rows, neighbours, generator)
        total = output.codes.new_zeros(())
        report: dict[str, Tensor] = {}
        for name, loss_module in self.losses.items():
            loss, measures = loss_module(step)
            total = (
                total
                + self.weights[name]
                * linear_warmup(progress, warmup=self.warmups.get(name, 0))
                * loss
            )
            report |= {name: loss.detach(), **measures}
        return total, {"loss": total.detach(), **report}


def _module(loss_module: Loss) -> nn.Module:
    if not isinstance(loss_module, nn.Module):
        raise ValueError(f"the task {loss_module!r} is no torch module")
    return loss_module
