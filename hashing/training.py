"""`train` itself: from a store to a finished model folder, once, resumable, never half written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hashing import team
from hashing.card import model_card, parameter_counts
from hashing.config import AnyConfig
from hashing.curves import HistoryRow, draw_curves, history_csv
from hashing.dataset import MEMORY, TrainingFrames, TrainingRows, training_rows
from hashing.heldout import Parts, parts_of
from hashing.learned import Kind
from hashing.methods import LEARNED, about_method, check_method, fit_baseline
from hashing.modelfolder import ModelFacts, Tensors, save_model
from hashing.presets import Survey
from hashing.samerun import LOCK, STATE, check_same_run, finished, prepare, scratch_of
from hashing.settings import apply, from_dict, to_dict
from hashing.signatures import Signature, all_signatures
from hashing.threads import blas_threads
from pipeline.errors import UsageError
from pipeline.store.atomic import remove, storing
from pipeline.store.base import FeatureStore
from pipeline.store.lock import OutputLock

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Whom `train` tells how it goes; it never prints.

    Attributes:
        step: Told steps done and their total.
        epoch: Told the means of each finished epoch, and how many epochs there are.
        say: Told a line about the run.
        warn: Told a failure signature when it is first found.
    """

    step: Callable[[int, int], None] = lambda done, total: None
    epoch: Callable[[HistoryRow, int], None] = lambda row, total: None
    say: Callable[[str], None] = lambda line: None
    warn: Callable[[Signature], None] = lambda signature: None


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How `train` ended.

    Attributes:
        folder: The model folder.
        facts: What the model says about itself.
        history: One row for each epoch trained now or before an interruption.
        already_done: Whether the same run was finished before and nothing was done.
    """

    folder: Path
    facts: ModelFacts
    history: list[HistoryRow]
    already_done: bool = False


def default_folder(store: Path, method: str, bits: int) -> Path:
    """Return where a model goes when nobody says.

    >>> default_folder(Path("data/feats.h5"), "chain", 32).as_posix()
    'models/feats-chain-32'
    """
    return Path("models") / f"{store.stem}-{method}-{bits}"


def train(store: FeatureStore, options: TrainOptions, watch: Watch | None = None) -> TrainReport:
    """Train a model on a store, alone or as the lead of several processes.

    Args:
        store: An open feature store.
        options: What is asked for.
        watch: Whom to tell.

    Raises:
        UsageError: For bad options or features, or if ``out`` holds a run with other settings.
        LockedError: If another process trains into the same folder.
        StorageError: If the disk says no.
        DamageError: If the checkpoint or the store is damaged.
        TimeUpError: If the time limit is over before the last step.
        TeamError: If one of several processes is gone.
    """
    check_method(options.method, options.bits)
    _check_numbers(options)
    with team.joined(options.device):
        run: _Run | TrainReport | None = None
        try:
            run = _begin(store, options, watch or Watch())
        finally:
            team.from_lead((run.chosen, run.facts) if isinstance(run, _Run) else None)
        return run if isinstance(run, TrainReport) else _finish(run, options, watch or Watch())


@dataclass(frozen=True, slots=True)
class _Run:
    """A run whose folder is locked and prepared."""

    folder: Path
    chosen: TrainingRows
    facts: ModelFacts
    parts: Parts
    lock: OutputLock


def _begin(store: FeatureStore, options: TrainOptions, watch: Watch) -> _Run | TrainReport:
    chosen = training_rows(store, skip_bad=options.skip_bad)
    folder = options.out or default_folder(store.path, options.method, options.bits)
    scratch = scratch_of(folder)
    frames = TrainingFrames(store, chosen.rows, memory=options.memory, scratch=scratch)
    facts = _facts(store, options, chosen, frames)
    parts = parts_of(store, chosen, frames, facts.config)
    del frames  # it may hold all features in memory
    facts = _with_data(facts, held_out=parts.count)
    _tell_rows(chosen, watch.say)
    if parts.said:
        watch.say(parts.said)
    if cached := facts.data["cached"]:
        watch.say(f"views are drawn from {cached}")
    if not options.restart and (done := finished(folder)) is not None:
        check_same_run(done, facts, folder)
        return TrainReport(folder, done, [], already_done=True)
    with storing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = OutputLock(scratch / LOCK, folder)
    try:
        prepare(scratch, facts, restart=options.restart, say=watch.say)
    except Exception:
        _leave(scratch, lock)
        raise
    return _Run(folder, chosen, facts, parts, lock)


def _finish(run: _Run, options: TrainOptions, watch: Watch) -> TrainReport:
    scratch = scratch_of(run.folder)
    if team.size() > 1:
        watch.say(f"{team.size()} processes train together")
    try:
        with blas_threads(options.threads):
            tensors, history = _fit(options, run.facts, run.parts, scratch, watch)
        facts = _save(run.folder, _with_outcome(run.facts, history), tensors, history)
        remove(scratch)
    except Exception:
        _leave(scratch, None)
        raise
    finally:
        run.lock.release()
    return TrainReport(run.folder, facts, history)


def _leave(scratch: Path, lock: OutputLock | None) -> None:
    """Remove the scratch folder of a run that has nothing to continue from."""
    if not (scratch / STATE).exists():
        remove(scratch)
    if lock is not None:
        lock.release()


def _facts(
    store: FeatureStore, options: TrainOptions, chosen: TrainingRows, frames: TrainingFrames
) -> ModelFacts:
    agreement = round(frames.agreement(), 6)
    config, cached = {}, ""
    if (method := LEARNED.get(options.method)) is not None:
        asked = _of_all(options.config or method.config)
        config = to_dict(method.resolve(asked, Survey(len(chosen), agreement)))
        cached = method.material(asked, frames)
    data = {
        "videos": len(chosen),
        "agreement": agreement,
        "frames": store.shape[1],
        "split": chosen.split,
        "copies": chosen.copies,
        "bad": len(chosen.bad),
        "digest": chosen.digest,
        "cached": cached,
    }
    return ModelFacts(
        method=options.method,
        bits=options.bits,
        seed=options.seed,
        fingerprint=store.meta.fingerprint,
        store=str(store.path.resolve()),
        config=config,
        data=data,
    )


def _of_all(config: Kind) -> Kind:
    """Return the config of several processes: a step has as many videos for each of them."""
    batch = to_dict(config)["optim"]["batch"]
    return apply(config, {"optim.batch": batch * team.size()})


def _fit(
    options: TrainOptions,
    facts: ModelFacts,
    parts: Parts,
    scratch: Path,
    watch: Watch,
) -> tuple[Tensors, list[HistoryRow]]:
    method, frames = LEARNED.get(options.method), parts.trained
    if method is None:
        tensors = fit_baseline(options.method, frames, bits=options.bits, seed=options.seed)
        return tensors, []
    from hashing.checkpoint import Checkpoint
    from hashing.fit import fit

    return fit(
        method,
        from_dict(facts.config, method.config),
        frames,
        bits=options.bits,
        seed=options.seed,
        device=options.device,
        threads=options.threads,
        checkpoint=Checkpoint(
            scratch / STATE, every=options.checkpoint_seconds, limit=options.time_limit
        ),
        on_step=watch.step,
        on_epoch=watch.epoch,
        held=parts.held,
        on_signature=watch.warn,
        say=watch.say,
        compiled=options.compiled,
    )


def _with_outcome(facts: ModelFacts, history: list[HistoryRow]) -> ModelFacts:
    """Say in the facts which failure signatures were found, and where the run stopped."""
    found = [asdict(signature) for signature in all_signatures(history)]
    last = history[-1].get("epoch") if history else None
    early = last is not None and last < facts.config["optim"]["epochs"]
    return _with_data(facts, signatures=found, stopped=int(last) if early and last else None)


def _with_data(facts: ModelFacts, **more: Any) -> ModelFacts:
    """Return the facts with more said about the data."""
    return replace(facts, data={**facts.data, **more})


def _save(
    folder: Path, facts: ModelFacts, tensors: Tensors, history: list[HistoryRow]
) -> ModelFacts:
    card = model_card(
        facts,
        about=about_method(facts.method),
        notes=_notes(facts),
        history=history,
        parameters=parameter_counts(tensors),
        paper=_as_published(facts),
    )
    extras = {"README.md": card.encode()}
    if history:
        title = f"{facts.method}, {facts.bits} bits, {facts.data['videos']} videos"
        extras |= {
            "history.csv": history_csv(history),
            "curves.png": draw_curves(history, title=title),
        }
    return save_model(folder, facts, tensors, extras)


def _notes(facts: ModelFacts) -> Sequence[str]:
    method = LEARNED.get(facts.method)
    return method.notes(from_dict(facts.config, method.config)) if method else ()


def _as_published(facts: ModelFacts) -> bool:
    """Return whether the config is what ``--paper`` gives for these videos."""
    method = LEARNED.get(facts.method)
    if method is None or method.paper is None:
        return False
    survey = Survey(facts.data["videos"], facts.data["agreement"])
    published = to_dict(method.resolve(method.paper, survey))
    return bool({**facts.config, "watch": None} == {**published, "watch": None})


def _tell_rows(chosen: TrainingRows, say: Callable[[str], None]) -> None:
    say(f"{len(chosen)} training videos ({chosen.split} split)")
    if chosen.copies:
        say(f"{chosen.copies} rows left out: same bytes as an earlier row")
    if chosen.bad:
        say(f"{len(chosen.bad)} rows left out: NaN or Inf")


def _check_numbers(options: TrainOptions) -> None:
    if options.threads < 1:
        raise UsageError(f"`--threads {options.threads}` is impossible", hint="1 or more")
    if not 0 <= options.seed <= MAX_SEED:
        raise UsageError(f"`--seed {options.seed}` is impossible", hint=f"from 0 to {MAX_SEED}")
    if options.method in LEARNED:
        from hashing.fit import pick_device

        pick_device(options.device)
    elif team.launched() > 1:
        hint = "run it without `torchrun`"
        raise UsageError(f"`--method {options.method}` is fitted by one process", hint=hint)
