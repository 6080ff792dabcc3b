"""Run metadata: data, settings and outcome, written to the model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.store.arrays.store import ArrayFeatureStore
from chainpipe.pipeline.store.base import FeatureStore

from ..config import AnyConfig
from ..config.overrides import apply, from_dict, to_dict
from ..config.presets import Survey, why_no_epochs
from ..data.survey import survey_of
from ..data.training_set import TrainingFrames, TrainingRows, content_sample
from ..methods.registry import METHODS, used_plugins
from ..model_folder.card import model_card
from ..model_folder.folder import ModelFacts, Tensors, save_model
from ..model_folder.parameters import parameter_counts, unused_count
from ..monitoring.failure_signatures import START_KEPT, all_failure_signatures
from ..monitoring.history import HistoryRow, draw_curves, history_csv
from ..runtime import distributed
from .options import TrainOptions


def facts_of(
    store: FeatureStore, options: TrainOptions, chosen: TrainingRows, frames: TrainingFrames
) -> ModelFacts:
    """Return the metadata that is known before training, with every ``auto`` resolved.

    Args:
        store: The features.
        options: The options of the run.
        chosen: The training videos.
        frames: Their features.

    Raises:
        UsageError: If the config does not fit the videos, or a feature is NaN or Inf.
    """
    config: dict[str, Any] = {}
    cached, no_epochs, decided = "", None, ""
    survey = survey_of(frames, bits=options.bits)
    method = METHODS[options.method]
    if method.config is not None:
        asked = _of_all(options.config or method.config)
        config = to_dict(method.resolve(asked, survey))
        if to_dict(asked)["optim"]["epochs"] == "auto" and not config["optim"]["epochs"]:
            no_epochs = why_no_epochs(survey)
        cached = method.material(asked, frames)
        if config["optim"]["epochs"]:
            decided = method.decision(from_dict(config, method.config), survey)
    data: dict[str, Any] = {
        "videos": len(chosen),
        "rows": len(store.videos),
        "agreement": survey.halves_cosine,
        "frames": store.shape[1],
        "split": chosen.split,
        "copies": chosen.duplicates,
        "bad": len(chosen.bad),
        "digest": chosen.digest,
        "content_sample": content_sample(store, chosen.rows),
        "cached": cached,
        "no_epochs": no_epochs,
        "decided": decided,
    }
    if plugins := used_plugins(options.method, config):
        data["plugins"] = plugins
    return ModelFacts(
        method=options.method,
        bits=options.bits,
        seed=options.seed,
        fingerprint=store.meta.fingerprint,
        store=store_path(store),
        config=config,
        data=data,
    )


def store_path(store: FeatureStore) -> str:
    """Return the absolute path of a store, ``""`` for arrays."""
    return "" if isinstance(store, ArrayFeatureStore) else str(store.path.resolve())


def _of_all(config: AnyConfig) -> AnyConfig:
    """Return the config of W processes: the batch size is multiplied by W."""
    batch = to_dict(config)["optim"]["batch_size"]
    return apply(config, {"optim.batch_size": batch * distributed.world_size()})


def with_outcome(facts: ModelFacts, history: list[HistoryRow]) -> ModelFacts:
    """Add the failure signatures, and the epoch at which the run stopped, to the metadata."""
    found = [asdict(signature) for signature in all_failure_signatures(history)]
    last = history[-1].get("epoch") if history else None
    early = last is not None and last < facts.config["optim"]["epochs"]
    kept = bool(history and history[-1].get(START_KEPT))
    return with_data(
        facts, signatures=found, stopped=int(last) if early and last else None, start_kept=kept
    )


def with_data(facts: ModelFacts, **more: Any) -> ModelFacts:
    """Return the metadata with more entries about the data."""
    return replace(facts, data={**facts.data, **more})


def save_run(
    folder: Path, facts: ModelFacts, tensors: Tensors, history: list[HistoryRow]
) -> ModelFacts:
    """Write the model folder: weights, config and card; for a learned method history and curves.

    Args:
        folder: The model folder.
        facts: The metadata.
        tensors: The weights, by name.
        history: One row per epoch; empty for a baseline.

    Returns:
        The metadata as written, with the SHA-256 of the weights.

    Raises:
        StorageError: If the folder cannot be written.
    """
    facts = replace(facts, created=datetime.now(UTC).isoformat())
    card = model_card(
        facts,
        about=METHODS[facts.method].about,
        notes=_notes(facts),
        history=history,
        parameters=parameter_counts(tensors),
        unused=unused_count(tensors),
        paper=_as_published(facts),
    )
    extras = {"README.md": card.encode()}
    if history:
        bits, videos = counted(facts.bits, "bit"), counted(facts.data["videos"], "video")
        title = f"{facts.method}, {bits}, {videos}"
        extras |= {
            "history.csv": history_csv(history),
            "curves.png": draw_curves(history, title=title),
        }
    return save_model(folder, facts, tensors, extras)


def _notes(facts: ModelFacts) -> Sequence[str]:
    method = METHODS[facts.method]
    config = method.config
    return method.notes(None if config is None else from_dict(facts.config, config))


def _as_published(facts: ModelFacts) -> bool:
    """Return whether the config is what ``--paper`` gives for these videos."""
    method = METHODS[facts.method]
    if method.paper is None:
        return False
    survey = Survey(facts.data["videos"], facts.data["agreement"], facts.data["frames"])
    published = to_dict(method.resolve(method.paper, survey))
    return bool({**facts.config, "validation": None} == {**published, "validation": None})
