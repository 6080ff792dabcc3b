"""The training loop: batches, optimizer steps, refreshes of neighbours and scenes. Never prints.

The random generators of step s are seeded by (seed, purpose, s), so a run that resumes from any
checkpoint ends with exactly the weights of an uninterrupted run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import torch
from torch import Tensor

from chainpipe.pipeline.errors import TimeLimitError, UsageError

from ..data.epoch_order import EpochOrder, epoch_order
from ..data.streamed_clips import TrainingClips
from ..losses.scene import SceneUpdater
from ..losses.trainable import Trainable
from ..mining.refresh import NeighbourMiner, update_scenes
from ..monitoring.failure_signatures import (
    START_KEPT,
    WORSE_THAN_START,
    HistoryRow,
    failure_signatures,
    new_failure_signatures,
)
from ..monitoring.task_outcomes import task_outcomes
from ..runtime import distributed
from ..runtime.seeding import derive_generator, derive_seed
from .callbacks import Callbacks
from .checkpoint import Checkpoint, State
from .objective import Objective
from .validation import ValidationPlan, validate


@dataclass(slots=True)
class Progress:
    """Training progress: the state in a checkpoint besides network and optimizer.

    Attributes:
        step: Steps done.
        neighbours: Neighbours of every video, (N, k), or ``None``.
        history: One row for each finished epoch.
        sums: Sums of the current epoch's metrics.
    """

    step: int = 0
    neighbours: Tensor | None = None
    history: list[HistoryRow] = field(default_factory=list)
    sums: dict[str, Tensor] = field(default_factory=dict)


class Trainer:
    """Train an objective on clips with AdamW and a learning-rate schedule.

    Args:
        objective: The module whose output is minimized.
        clips: All N training videos; their batches are on the device of the objective.
        seed: Seed of all random generators.
        epochs: Passes over the training videos.
        batch_size: Maximum videos per step; an epoch is split into batches of equal size (+-1).
        lr: Peak learning rate.
        schedule: Learning-rate factor as a function of steps done and number of steps.
        weight_decay: AdamW weight decay, applied to matrices only.
        grad_clip_norm: Maximum gradient norm; 0 disables clipping.
        neighbours: Nearest-neighbour mining; ``None`` disables it.
        scenes: Scene updates; ``None`` keeps the scenes of the input features.
        validation: Validation videos and schedule; ``None`` disables validation.
        droppable: Losses that are switched off for the second half of the steps if the library
            cannot teach them.
        keep_start: Whether the initial weights are kept if the last validation finds the codes
            worse than before training.
    """

    def __init__(
        self,
        objective: Trainable,
        clips: TrainingClips,
        *,
        seed: int,
        epochs: int,
        batch_size: int,
        lr: float,
        schedule: Callable[[int, int], float],
        weight_decay: float,
        grad_clip_norm: float,
        neighbours: NeighbourMiner | None,
        scenes: SceneUpdater | None = None,
        validation: ValidationPlan | None = None,
        droppable: Collection[str] = (),
        keep_start: bool = False,
    ) -> None:
        self.droppable = frozenset(droppable)
        self.validation = validation
        self.start: State | None = _copied(objective) if keep_start and validation else None
        self.first_scenes, self.scenes = clips.scenes, scenes
        self.objective, self.clips, self.seed = objective, clips, seed
        self.lr, self.schedule, self.grad_clip_norm, self.neighbour_miner = (
            lr,
            schedule,
            grad_clip_norm,
            neighbours,
        )
        self.steps_per_epoch = math.ceil(len(clips) / batch_size)
        self.steps = epochs * self.steps_per_epoch
        self.progress = Progress()
        self._order: tuple[int, EpochOrder] | None = None  # of the running epoch
        self.optimizer = _adamw(objective, weight_decay)

    def run(
        self,
        *,
        checkpoint: Checkpoint | None = None,
        callbacks: Callbacks | None = None,
    ) -> list[HistoryRow]:
        """Train from the checkpoint's step to the last, or until a failure signature ends the run.

        Args:
            checkpoint: File to resume from and to save to.
            callbacks: Training callbacks.

        Returns:
            The history, one row per epoch; with validation also a row of epoch 0, before training.

        Raises:
            UsageError: If the loss is not finite.
            TimeLimitError: If the checkpoint's time limit is reached; the state is saved.
            DistributedError: If another process of the group has ended.
        """
        callbacks = callbacks or Callbacks()
        if checkpoint and (state := checkpoint.load()):
            self.restore(state)
        if distributed.world_size() > 1:
            # Initial weights of another machine may differ by rounding: broadcast those of rank 0.
            self.restore(distributed.broadcast_object(self.state()))
        if self.validation and not self.progress.step:
            self.progress.history = [{"epoch": 0, **self._validate(self.validation)}]
            callbacks.epoch(self.progress.history[0], self.steps // self.steps_per_epoch)
        while self.progress.step < self.steps and not self._stopped():
            self._one_step()
            callbacks.step(self.progress.step, self.steps)
            if self.progress.step % self.steps_per_epoch == 0:
                callbacks.epoch(self._finish_epoch(), self.steps // self.steps_per_epoch)
                for signature in new_failure_signatures(self.progress.history):
                    callbacks.warn(signature)
            if self.progress.step < self.steps:
                self._keep(checkpoint)
        self._restore_start()
        self.objective.eval()
        return self.progress.history

    def _restore_start(self) -> None:
        """Restore the initial weights if training only made the codes worse."""
        history = self.progress.history
        found = [signature.name for signature in failure_signatures(history)]
        if self.start is not None and WORSE_THAN_START in found:
            self.objective.load_state_dict(self.start)
            history[-1][START_KEPT] = 1.0

    def _keep(self, checkpoint: Checkpoint | None) -> None:
        if distributed.broadcast_flag(
            checkpoint is not None and checkpoint.save_if_due(self.state)
        ):
            hint = "run the same command again: it goes on from here"
            raise TimeLimitError("the time limit is reached before the last step", hint=hint)

    def _one_step(self) -> None:
        step = self.progress.step
        epoch, within = divmod(step, self.steps_per_epoch)
        if within == 0:
            self._refresh(epoch)
        rows = self._rows(epoch, within)
        generator = derive_generator(self.seed, "step", step)
        positive_indices = self._positive_indices(rows, generator)
        batch = self.clips.batch(rows, positive_indices, self.progress.neighbours)
        self.objective.train()
        # Dropout uses torch's global generator: seed it for this step and restore it afterwards.
        # Each rank has its own seed, because each runs another shard of the batch.
        used = [batch.rows.device] if batch.rows.is_cuda else []
        with torch.random.fork_rng(used):
            torch.manual_seed(derive_seed(self.seed, "dropout", step) + distributed.rank())
            loss, report = self.objective(
                batch.clips,
                rows=batch.rows,
                positive_indices=batch.positive_indices,
                neighbours=batch.neighbours,
                generator=generator,
                progress=step / self.steps,
            )
        self._descend(loss, step)
        sums = self.progress.sums
        self.progress.sums = {name: sums.get(name, 0) + value for name, value in report.items()}
        self.progress.step += 1

    def _descend(self, loss: Tensor, step: int) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * self.schedule(step, self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if distributed.world_size() > 1:
            distributed.all_reduce_gradients(self.objective.parameters())
        if self.grad_clip_norm:
            torch.nn.utils.clip_grad_norm_(self.objective.parameters(), self.grad_clip_norm)
        self.optimizer.step()

    def _rows(self, epoch: int, within: int) -> Tensor:
        """Return the video indices of a step, (B,), and prefetch those of later steps."""
        if self._order is None or self._order[0] != epoch:
            drawn = epoch_order(len(self.clips), derive_generator(self.seed, "order", epoch))
            self._order = epoch, drawn
        order, least = self._order[1], len(self.clips) // self.steps_per_epoch
        more = len(self.clips) % self.steps_per_epoch  # the first steps have one video more
        start, stop = (each * least + min(each, more) for each in (within, within + 1))
        for first, count in order.prefetch_ranges(start, stop):
            self.clips.prefetch(first, count)
        return order.rows[start:stop].to(self.clips.device)

    def _positive_indices(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        if self.neighbour_miner is None or self.progress.neighbours is None:
            return rows
        return self.neighbour_miner.draw(rows, self.progress.neighbours, generator)

    def _refresh(self, epoch: int) -> None:
        """Refresh neighbours, and from the second epoch on scenes, if they are due."""
        if self.neighbour_miner is not None and self.neighbour_miner.due(epoch):
            self.progress.neighbours = self.neighbour_miner.find(self.objective, self.clips, epoch)
        plan, first = self.scenes, self.first_scenes
        if plan is None or first is None or not epoch or epoch % plan.update_every:
            return
        scenes = update_scenes(
            plan, self.objective, self.clips, first, seed=self.seed, purpose="scenes", epoch=epoch
        )
        self.clips = self.clips.with_scenes(scenes)

    def _finish_epoch(self) -> HistoryRow:
        steps = self.steps_per_epoch
        epoch = self.progress.step // steps
        means = {name: float(value) / steps for name, value in self.progress.sums.items()}
        if not math.isfinite(means["loss"]):
            raise UsageError(
                f"the loss is `{means['loss']}` after epoch {epoch}", hint="lower `optim.lr`"
            )
        row: HistoryRow = {"epoch": epoch, **means}
        validation = self.validation
        if validation and (epoch % validation.every == 0 or self.progress.step == self.steps):
            row |= self._validate(validation)
        self.progress.history.append(row)
        self.progress.sums = {}
        self._switch_off()
        return row

    def _switch_off(self) -> None:
        """Switch off, for the second half, the droppable losses that this library cannot teach.

        Depends on the history up to the first validation after half of the steps, so that a run
        that resumes switches off the same.
        """
        if self.validation is None or not isinstance(self.objective, Objective):
            return
        half = self.steps // self.steps_per_epoch / 2
        rows = [row for row in self.progress.history if "val_bit_entropy" in row]
        due = next((n for n, row in enumerate(rows, 1) if row["epoch"] >= half), None)
        for outcome in task_outcomes(rows[:due]) if due else ():
            if outcome.name in self.droppable and not outcome.learned:
                self.objective.weights[outcome.name] = 0.0

    def _validate(self, validation: ValidationPlan) -> HistoryRow:
        """Validate, with scenes of the same age as those of the training videos."""
        clips, epoch = validation.clips, self.progress.step // self.steps_per_epoch
        if self.scenes and clips.scenes is not None and epoch > self.scenes.update_every:
            scenes = update_scenes(
                self.scenes,
                self.objective,
                clips,
                clips.scenes,
                seed=self.seed,
                purpose="held scenes",
                epoch=epoch,
            )
            clips = clips.with_scenes(scenes)
        done = self.progress.step / self.steps
        return validate(self.objective, clips, seed=self.seed, progress=done)

    def _stopped(self) -> bool:
        """Return whether a failure signature ends the run; depends on the history only."""
        validation = self.validation
        return (
            validation is not None
            and validation.stop_on_failure
            and bool(failure_signatures(self.progress.history))
        )

    def state(self) -> State:
        """Return everything that :meth:`restore` needs."""
        progress = self.progress
        return {
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": progress.step,
            "table": progress.neighbours,
            "history": progress.history,
            "sums": progress.sums,
            "scenes": self.clips.scenes if self.scenes else None,
            "start": self.start,
        }

    def restore(self, state: State) -> None:
        """Continue from what :meth:`state` returned."""
        device = self.clips.device
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        neighbours = state["table"]
        # A model that is built to resume has no initial weights: only the checkpoint has them.
        self.start = state.get("start")
        if self.scenes:
            self.clips = self.clips.with_scenes(state["scenes"].to(device))
        self.progress = Progress(
            step=state["step"],
            neighbours=None if neighbours is None else neighbours.to(device),
            history=state["history"],
            sums=state["sums"],
        )
        self._switch_off()


def _copied(objective: Trainable) -> State:
    return {name: tensor.clone() for name, tensor in objective.state_dict().items()}


def _adamw(objective: Trainable, weight_decay: float) -> torch.optim.AdamW:
    trained = [p for p in objective.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, fused=True)
