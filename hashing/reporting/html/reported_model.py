"""What the report knows of one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainpipe.pipeline.console import counted

from ...evaluation.evaluate import Evaluation
from ...model_folder.folder import ModelFacts
from ...monitoring.history import HistoryRow
from .code_health import CodeHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedModel:
    """A model folder, and what was measured of it.

    Attributes:
        name: Of the folder, the same for no other model of the report.
        facts: Its metadata.
        command: A command that trains such a model.
        changed: Config keys whose values are not the defaults for its videos.
        history: One row per epoch; empty where there were none.
        health: Of its codes; ``None`` where there are none at hand.
        store: Name of the store that was evaluated on.
        evaluations: Its scores; two where queries stay in the database: with and without.
        measured: Scores that its folder keeps of earlier evaluations.
        missing: What the report lacks of it, as sentences.
    """

    name: str
    facts: ModelFacts
    command: str
    changed: Mapping[str, Any]
    history: Sequence[HistoryRow]
    health: CodeHealth | None
    store: str = ""
    evaluations: Sequence[Evaluation] = ()
    measured: Sequence[Mapping[str, Any]] = ()
    missing: Sequence[str] = field(default=())

    @property
    def label(self) -> str:
        """Its name, method and length."""
        return f"{self.name} ({self.facts.method}, {counted(self.facts.bits, 'bit')})"
