"""Model card: method, training data, limits, usage and config of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chainpipe.pipeline.console import counted, printable

from ..monitoring.history import HistoryRow
from .folder import ModelFacts
from .front_matter import front_matter
from .outcome import outcome
from .quality import quality_section
from .task_effects import task_effects_section

USE = """## Use

```python
import chainpipe

model = chainpipe.load_model("THIS_FOLDER")
codes = model.encode(array)  # features (N, T, D) of this backbone, or a store
codes.save("codes.npz")
```

```console
chainpipe encode --model THIS_FOLDER --store feats.h5 --out codes.npz
chainpipe search QUERY.mp4 --model THIS_FOLDER
```
"""


def model_card(
    facts: ModelFacts,
    *,
    about: str,
    notes: Sequence[str],
    history: list[HistoryRow],
    parameters: Mapping[str, int],
    unused: int,
    paper: bool,
) -> str:
    """Return the card as Markdown with YAML front matter.

    Args:
        facts: The metadata of the model.
        about: Description of the method, a sentence without a full stop.
        notes: Limits of the method, as sentences.
        history: One row per epoch.
        parameters: Counts by part, see :func:`.parameters.parameter_counts`.
        unused: Count of those without effect, see :func:`.parameters.unused_count`.
        paper: Whether the config is the ``--paper`` preset.
    """
    parts = [
        front_matter(facts),
        f"# {facts.bits}-bit video codes, {facts.method}\n",
        f"{about}. Made by chainpipe.\n",
        _table(_facts(facts, parameters, unused)),
        _trust(_with_reason(notes, facts), paper),
        quality_section(),
        USE,
    ]
    if history:
        parts.append(outcome(history, stopped=bool(facts.data.get("stopped"))))
        if section := task_effects_section(facts):
            parts.append(section)
    if facts.config:
        parts.append("## Config\n\n" + _config_table(facts.config))
    return "\n".join(parts)


def _facts(facts: ModelFacts, parameters: Mapping[str, int], unused: int) -> dict[str, str]:
    data, print_ = facts.data, facts.fingerprint
    return {
        "bits": str(facts.bits),
        "parameters": _counted(facts, parameters, unused),
        "date": facts.created[:10],
        "store": f"`{printable(Path(facts.store).name)}`" if facts.store else "arrays",
        "training videos": f"{data['videos']:,} ({describe_split(data['split'])})",
        "held out": f"{data.get('held_out') or 'none'} of them, for validation",
        "frames a video": f"{data['frames']}; any number can be encoded",
        "left out": f"{counted(data['copies'], 'copy')}, {data['bad']} with NaN or Inf",
        "backbone": f"`{print_.backbone}` ({print_.dim} features per frame)",
        "preprocessing": f"`{print_.preprocessing}`",
        **({"trained": data["decided"]} if data.get("decided") else {}),
        "seed": str(facts.seed),
        **_plugins(facts),
    }


def _plugins(facts: ModelFacts) -> dict[str, str]:
    """Return the plug-ins of the model with their checksums."""
    used = facts.data.get("plugins", ())
    said = [f"{u['kind']} `{u['name']}` of `{u['file']}` (SHA-256 `{u['sha256']}`)" for u in used]
    return {"plug-ins": ", ".join(said)} if said else {}


def describe_split(split: str) -> str:
    """Return a description of the training split, for ``data.split`` of a model.

    >>> describe_split("train"), describe_split("all")
    ('train split', 'all of the store')
    """
    words = {"train": "train split", "all": "all of the store"}
    return words.get(split, f"all that are {split}")


def _counted(facts: ModelFacts, parameters: Mapping[str, int], unused: int) -> str:
    """Return the parameter counts as text: total and by part, the encoder with its kind."""
    named = facts.config.get("encoder", {}).get("kind")
    kind = f" ({named})" if named else ""
    parts = [
        f"{part.replace('_', ' ')}{kind if part == 'encoder' else ''} {count:,}"
        for part, count in parameters.items()
        if part
    ]
    said = " = ".join([f"{sum(parameters.values()):,}", " + ".join(parts)][: 1 + bool(parts)])
    return f"{said}; {unused:,} more are stored but change no code" if unused else said


def _with_reason(notes: Sequence[str], facts: ModelFacts) -> list[str]:
    reason = facts.data.get("no_epochs")
    return [*notes, *([f"No epochs were trained: {reason}."] if reason else [])]


def _trust(notes: Sequence[str], paper: bool) -> str:
    lines = ["## What it can be trusted for\n", "Trained without labels.", *notes]
    if paper:
        lines.append(
            "Trained with `--paper`: our reading of the published variant; every value [I]."
        )
    lines.append("Codes compare only with codes of the same model.\n")
    return "\n".join(lines)


def _table(values: dict[str, str]) -> str:
    rows = [f"| {name} | {value} |" for name, value in values.items()]
    return "\n".join(["| | |", "|---|---|", *rows]) + "\n"


def _config_table(config: dict[str, dict[str, object]]) -> str:
    flat = {
        f"`{section}.{name}`": f"`{value}`"
        for section, values in config.items()
        for name, value in values.items()
    }
    return _table(flat)
