"""What `train` is asked for."""

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
    """What `train` was asked for.

    Attributes:
        method: One of ``METHODS``.
        bits: K.
        seed: Of everything that is drawn.
        config: Of a learned method, may hold ``auto``; ``None`` is its defaults.
        out: The model folder; ``None`` is ``models/<store stem>-<method>-<bits>``.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Of torch and of numpy.
        restart: Begin anew and replace what is there at the end.
        skip_bad: Leave out videos with NaN or Inf.
        memory: Bytes that the training videos may take; what is larger is read from a file.
        checkpoint_seconds: Between two checkpoints.
        time_limit: Seconds after which a learned method's training is saved and ended.
        compiled: Whether `torch.compile` makes a learned method's steps faster.
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


def default_folder(store: Path, method: str, bits: int) -> Path:
    """Return where a model goes when nobody says.

    >>> default_folder(Path("data/feats.h5"), "chain", 32).as_posix()
    'models/feats-chain-32'
    """
    return Path("models") / f"{store.stem}-{method}-{bits}"


def check_numbers(options: TrainOptions) -> None:
    """Check what no other part of a run would.

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
