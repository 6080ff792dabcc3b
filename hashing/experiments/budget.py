"""How many epochs of a rival cost what another method's training costs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from hashing.config import AnyConfig
from hashing.experiments.record import Record
from hashing.settings import apply
from pipeline.errors import UsageError
from pipeline.store.atomic import replacing, storing

TRIED = 3  # epochs that are timed


def epochs_within(
    kept: Path,
    records: Sequence[Record],
    *,
    store: Path,
    method: str,
    config: AnyConfig,
    bits: int,
    device: str,
) -> int:
    """Return the number of epochs that takes the mean CPU of some records.

    A few epochs are timed on this machine. The answer is kept in a file, so that a campaign which
    goes on later trains what it began to train.

    Args:
        kept: Where the answer is kept.
        records: Of the row whose budget it is.
        store: What is trained on.
        method: A learned method with the key ``optim.epochs``.
        config: Its config; the epochs in it are passed over.
        bits: K.
        device: Where it is trained.

    Raises:
        UsageError: If no record has a CPU time.
        StorageError: If the disk says no.
    """
    if kept.exists():
        return int(json.loads(kept.read_bytes())["epochs"])
    known = [record.cpu_seconds for record in records if record.cpu_seconds is not None]
    if not known:
        raise UsageError(
            "the CPU time of every run with this budget is unknown: all were interrupted",
            hint="train them anew with `--restart`, or leave the row out with `--rows`",
        )
    start, epoch = _timed(store, method, config, bits, device)
    epochs = max(1, round((mean(known) - start) / epoch))
    facts = {"epochs": epochs, "budget": mean(known), "start": start, "epoch": epoch}
    with storing(kept), replacing(kept) as temporary:
        temporary.write_text(json.dumps(facts))
    return epochs


def _timed(
    store: Path, method: str, config: AnyConfig, bits: int, device: str
) -> tuple[float, float]:
    """Return the CPU seconds of everything but the epochs, and those of an epoch."""
    from hashing.training import TrainOptions, Watch, train
    from pipeline.store import open_store

    times: list[float] = []
    watch = Watch(epoch=lambda row, total: times.append(time.process_time()))
    few = apply(config, {"optim.epochs": TRIED + 1})
    with tempfile.TemporaryDirectory() as folder, open_store(store) as opened:
        options = TrainOptions(
            method=method, bits=bits, config=few, out=Path(folder) / "model", device=device
        )
        begun = time.process_time()
        train(opened, options, watch)
    epoch = median(after - before for before, after in zip(times, times[1:], strict=False))
    return max(0.0, times[0] - begun - epoch), epoch
