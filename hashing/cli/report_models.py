"""Gather what the report shows of a model: its folder, its codes, its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store import FeatureStore

from ..model_folder.folder import ModelFacts
from ..model_folder.quality import read_quality
from ..monitoring.history import read_history
from .context import Tools
from .defaults import open_chosen_store
from .encode import CODES, encode_whole

if TYPE_CHECKING:
    from ..evaluation.evaluate import Evaluation
    from ..reporting.html.reported_model import ReportedModel
    from ..retrieval.codes import Codes

HISTORY = "history.csv"


@dataclass(frozen=True, slots=True)
class _Measured:
    """Codes and scores, and what is missing of them."""

    codes: Codes | None
    store: str = ""
    evaluations: Sequence[Evaluation] = ()
    missing: Sequence[str] = ()


def names_of(folders: Sequence[Path]) -> list[str]:
    """Return a name for each model: its folder's, or its path where two have the same.

    Raises:
        UsageError: If a model is given twice.
    """
    places = [folder.resolve() for folder in folders]
    twice = [
        folder for folder, place in zip(folders, places, strict=True) if places.count(place) > 1
    ]
    if twice:
        raise UsageError(f"the model `{twice[0]}` is given twice", hint="name each model once")
    names = [place.name for place in places]
    return [
        printable(name if names.count(name) == 1 else folder)
        for name, folder in zip(names, folders, strict=True)
    ]


def reported_model(
    name: str, folder: Path, facts: ModelFacts, *, store: Path | None, protocol: str, tools: Tools
) -> ReportedModel:
    """Read a model folder, and evaluate the model where its store is at hand and has labels.

    Args:
        name: Of the model in the report.
        folder: The model folder.
        facts: Its metadata.
        store: A store that was named; by default the one that the model was trained on.
        protocol: Name of the protocol.
        tools: Of the command.

    Raises:
        NotFoundError: If a named store does not exist.
        UsageError: If a named store does not fit the model, or a plug-in is not loaded.
        DamageError: If model, store or codes are damaged.
    """
    from ..methods.registry import check_plugins
    from ..reporting.html.code_health import code_health
    from ..reporting.html.reported_model import ReportedModel
    from ..runs.train_command import train_command

    check_plugins(facts)
    command = train_command(facts)
    measured = _measure(folder, facts, store, protocol, tools)
    return ReportedModel(
        name=name,
        facts=facts,
        command=command.line,
        changed=command.changed,
        history=read_history(folder / HISTORY),
        health=None if measured.codes is None else code_health(measured.codes),
        store=measured.store,
        evaluations=measured.evaluations,
        measured=read_quality(folder, facts),
        missing=measured.missing,
    )


def _measure(
    folder: Path, facts: ModelFacts, given: Path | None, protocol: str, tools: Tools
) -> _Measured:
    try:
        store = open_chosen_store(given, facts, tools.log)
    except (NotFoundError, UsageError) as error:
        if given is not None:
            raise
        line = f"not evaluated: {_without_path(error, facts)}"
        return _Measured(_own_codes(folder, facts), missing=[line])
    with store:
        codes = _codes(store, folder, facts, tools)
        name = Path(given or facts.store).name
        try:
            found = _evaluate(codes, store, facts, protocol, tools)
        except UsageError as error:  # no labels, or splits that the protocol does not fit
            if protocol != "auto":
                raise
            return _Measured(codes, name, missing=[f"not evaluated: {error}"])
        return _Measured(codes, name, found)


def _without_path(error: Exception, facts: ModelFacts) -> str:
    """Return an error's words with the store's name in place of its full path."""
    return str(error).replace(facts.store, Path(facts.store).name) if facts.store else str(error)


def _own_codes(folder: Path, facts: ModelFacts) -> Codes | None:
    """Return the codes of the model folder if they are of the model."""
    from ..retrieval.codes import read_codes

    try:
        codes = read_codes(folder / CODES)
    except NotFoundError:
        return None
    return codes if codes.origin.sha256 == facts.weights_sha256 else None


def _codes(store: FeatureStore, folder: Path, facts: ModelFacts, tools: Tools) -> Codes:
    from ..retrieval.encode import saved_codes

    saved = saved_codes(folder / CODES, store, facts)
    return saved if saved is not None else encode_whole(store, folder, facts, tools)


def _evaluate(
    codes: Codes, store: FeatureStore, facts: ModelFacts, name: str, tools: Tools
) -> list[Evaluation]:
    from ..evaluation.choose_protocol import choose_protocol, without_itself
    from ..evaluation.evaluate import evaluate

    backbone = store.meta.fingerprint.backbone
    protocol = choose_protocol(codes.labels, codes.split, name=name, features=backbone)
    ways = [protocol, without_itself(protocol)] if protocol.keeps_itself else [protocol]
    with tools.progress("evaluate", len(protocol.queries) * len(ways)) as advance:
        return [
            evaluate(codes, method=facts.method, protocol=way, progress=advance) for way in ways
        ]
