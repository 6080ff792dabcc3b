"""The objective: the weighted sum of the tasks, every term by name."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..losses.base import Step, Task
from ..models.hash_model import HashModel
from ..runtime.schedules import ramp
from ..views.view_maker import Clips, ViewMaker
from .forward import Runner, StepModel


class Objective(nn.Module):
    """Makes the views of a batch, runs the network on them once and sums the tasks' losses.

    Args:
        model: The network.
        views: Draws the two views.
        tasks: By name; a ``torch.nn.Module`` each.
        weights: Weight of each task, by the same names.
        ramps: Share of the run in which a task's weight grows from 0; 0 where a name is missing.
        run: Runs the network; plainly if not given.

    Raises:
        ValueError: If the names differ.
    """

    def __init__(
        self,
        *,
        model: HashModel,
        views: ViewMaker,
        tasks: Mapping[str, Task],
        weights: Mapping[str, float],
        ramps: Mapping[str, float] | None = None,
        run: Runner | None = None,
    ) -> None:
        super().__init__()
        if set(tasks) != set(weights):
            raise ValueError(f"tasks {sorted(tasks)} but weights {sorted(weights)}")
        self.ramps, self.run = dict(ramps or {}), run or Runner()
        self.model, self.views, self.weights = model, views, dict(weights)
        self.tasks = nn.ModuleDict({name: _module(task) for name, task in tasks.items()})

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
        """Return the weighted sum, and every unweighted term and measure by name.

        Args:
            clips: All training videos.
            rows: Which videos the batch holds, (B,).
            partners: Whose frames each second view shows, (B,).
            neighbours: Neighbours of every video, (N, k), or ``None``.
            generator: Source of chance.
            done: Share of the run's steps that are done, in [0, 1].
        """
        self.model.hash_layer.binarizer.at(done)
        views = self.views(clips, rows, partners, generator)
        # Watching, every process looks at all held-out videos.
        network = StepModel(self.model, self.run) if self.training else self.model
        hashed = network(views.clips, views.shown)
        step = Step(network, clips, views, hashed, rows, neighbours, generator)
        total = hashed.codes.new_zeros(())
        report: dict[str, Tensor] = {}
        for name, task in self.tasks.items():
            loss, measures = task(step)
            total = total + self.weights[name] * ramp(done, over=self.ramps.get(name, 0)) * loss
            report |= {name: loss.detach(), **measures}
        return total, {"loss": total.detach(), **report}


def _module(task: Task) -> nn.Module:
    if not isinstance(task, nn.Module):
        raise ValueError(f"the task {task!r} is no torch module")
    return task
