"""Options of a training run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from chainpipe.pipeline.errors import UsageError

from ..config import AnyConfig
from ..data.training_set import MEMORY
from ..methods.registry import METHODS
from ..runtime import distributed

CHECKPOINT_SECONDS = 5.0
MAX_SEED = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Options of a training run.

    Attributes:
        method: One of ``METHODS``.
        bits: K, the length of a code.
        seed: Seed of all random generators.
        config: Config of a learned method, may contain ``auto``; ``None`` is its defaults.
        out: The model folder; ``None`` is ``models/<store stem>-<method>-<bits>``.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: CPU threads of torch and numpy.
        restart: Train from the start; an existing model is replaced at the end.
        skip_bad: Leave out videos with NaN or Inf.
        memory: RAM limit for training features in bytes; larger sets are streamed from disk.
        checkpoint_seconds: Seconds between two checkpoints.
        time_limit: Seconds after which the training of a learned method is saved and ended.
        compiled: Compile a learned method's network by `torch.compile`.
        compare_tasks: Measure the bits that each task changes, by one more training a task.
    """

    method: str = "chain"
    bits: int = 32
    seed: int = 0
    config: AnyConfig | None = None
    out: Path | None = None
    device: str = "auto"
    threads: int = 1
    restart: bool = False
    skip_bad: bool = False
    memory: int = MEMORY
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    time_limit: float = math.inf
    compiled: bool = False
    compare_tasks: bool = False


def default_folder(store: Path, method: str, bits: int) -> Path:
    """Return the default model folder.

    >>> default_folder(Path("data/feats.h5"), "chain", 32).as_posix()
    'models/feats-chain-32'
    """
    return Path("models") / f"{store.stem}-{method}-{bits}"


def check_numbers(options: TrainOptions) -> None:
    """Check seed, threads and device before a run starts.

    Raises:
        UsageError: For a bad seed or number of threads, a device that is not there, or a method
            that several processes cannot share.
    """
    if options.threads < 1:
        raise UsageError(f"`--threads {options.threads}` is impossible", hint="1 or more")
    if not 0 <= options.seed <= MAX_SEED:
        raise UsageError(f"`--seed {options.seed}` is impossible", hint=f"from 0 to {MAX_SEED}")
    if METHODS[options.method].config is not None:
        from ..methods.fit import pick_device

        pick_device(options.device)
    elif distributed.launched_world_size() > 1:
        hint = "run it without `torchrun`"
        raise UsageError(f"`--method {options.method}` is fitted by one process", hint=hint)
