"""The command that trains a model like one at hand, from its metadata."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainpipe.pipeline.backbones.classifiers import CLASSIFIERS

from ..config.overrides import Scalar, flatten, to_dict
from ..config.presets import Survey
from ..methods.registry import METHODS
from ..model_folder.folder import ModelFacts

STORE = "STORE"  # where the model was trained on arrays


@dataclass(frozen=True, slots=True)
class TrainCommand:
    """A command line that trains a model like one at hand.

    Attributes:
        line: For a shell.
        changed: Config keys that differ from the defaults, or from the ``--paper`` preset where the
            line has it.
    """

    line: str
    changed: dict[str, Scalar]


def train_command(facts: ModelFacts) -> TrainCommand:
    """Return the command; of the store it has the name only.

    Args:
        facts: Metadata of the model, whose plug-ins are loaded.
    """
    paper, changed = _preset_and_changes(facts)
    store = shlex.quote(Path(facts.store).name) if facts.store else STORE
    words = [f"chainpipe train {store} --bits {facts.bits} --method {facts.method}"]
    words += [f"--seed {facts.seed}"] if facts.seed else []
    words += ["--paper"] if paper else []
    words += [f"--plugin {shlex.quote(one['file'])}" for one in facts.data.get("plugins", ())]
    words += [f"--set {shlex.quote(f'{key}={_text(value)}')}" for key, value in changed.items()]
    return TrainCommand(" ".join(words), changed)


def _preset_and_changes(facts: ModelFacts) -> tuple[bool, dict[str, Scalar]]:
    """Return whether the ``--paper`` preset is nearer than the defaults, and what differs."""
    method: Any = METHODS[facts.method]
    if method.config is None or not facts.config or "agreement" not in facts.data:
        return False, {}
    data, print_ = facts.data, facts.fingerprint
    known = (print_.backbone, print_.dim) in CLASSIFIERS
    survey = Survey(data["videos"], data["agreement"], data["frames"], known, facts.bits)
    made = flatten(facts.config)
    presets = [method.config, *([method.paper] if method.paper is not None else [])]
    found = []
    for preset in presets:
        values = flatten(to_dict(method.resolve(preset, survey)))
        found.append({key: value for key, value in made.items() if values.get(key) != value})
    paper = len(found) > 1 and len(found[1]) < len(found[0])
    return paper, found[paper]


def _text(value: Scalar) -> str:
    """Return a value as ``--set`` reads it.

    >>> _text(0.5), _text(True), _text("lstm")
    ('0.5', 'true', 'lstm')
    """
    return value if isinstance(value, str) else json.dumps(value)
