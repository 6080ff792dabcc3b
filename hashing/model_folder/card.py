"""The model card: what a model is, what it was trained on, how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainpipe.pipeline.console import counted

from ..monitoring.history import HistoryRow
from .folder import ModelFacts, Tensors
from .outcome import outcome


def model_card(
    facts: ModelFacts,
    *,
    about: str,
    notes: Sequence[str],
    history: list[HistoryRow],
    parameters: Mapping[str, int],
    paper: bool,
) -> str:
    """Return the card as Markdown.

    Args:
        facts: What the model says about itself.
        about: What its method is, a sentence without a full stop.
        notes: What the method says about trust.
        history: One row for each epoch.
        parameters: How many numbers each part has, see :func:`parameter_counts`.
        paper: Whether ``--paper`` gave the config.
    """
    parts = [
        f"# {facts.bits}-bit video codes, {facts.method}\n",
        f"{about}. Made by chainpipe.\n",
        _table(_facts(facts, parameters)),
        _trust(notes, paper),
        "## Use\n\n```console\nchainpipe encode --model THIS_FOLDER --store feats.h5\n"
        "chainpipe search QUERY.mp4 --model THIS_FOLDER\n```\n",
    ]
    if history:
        parts.append(outcome(history, stopped=bool(facts.data.get("stopped"))))
    if facts.config:
        parts.append("## Config\n\n" + _config_table(facts.config))
    return "\n".join(parts)


def _facts(facts: ModelFacts, parameters: Mapping[str, int]) -> dict[str, str]:
    data, print_ = facts.data, facts.fingerprint
    return {
        "bits": str(facts.bits),
        "parameters": _counted(facts, parameters),
        "training videos": f"{data['videos']:,} ({describe_split(data['split'])})",
        "held out": f"{data.get('held_out', 0)} of them, to watch the training",
        "frames a video": f"{data['frames']}; any number can be encoded",
        "left out": f"{counted(data['copies'], 'copy')}, {data['bad']} with NaN or Inf",
        "backbone": f"`{print_.backbone}` ({print_.dim} numbers a frame)",
        "preprocessing": f"`{print_.preprocessing}`",
        "seed": str(facts.seed),
        **_plugins(facts),
    }


def _plugins(facts: ModelFacts) -> dict[str, str]:
    """Say which plug-ins had a part in the model."""
    used = facts.data.get("plugins", ())
    said = [f"{u['kind']} `{u['name']}` of `{u['file']}` (SHA-256 `{u['sha256']}`)" for u in used]
    return {"plug-ins": ", ".join(said)} if said else {}


def describe_split(split: str) -> str:
    """Say which part of the store was trained on, for ``data.split`` of a model.

    >>> describe_split("train"), describe_split("all")
    ('train split', 'all of the store')
    """
    words = {"train": "train split", "all": "all of the store"}
    return words.get(split, f"all that are {split}")


def parameter_counts(tensors: Tensors) -> dict[str, int]:
    """Return how many numbers were trained or fitted, by the first part of their names.

    The fixed front is measured, not trained. A method without parts has one, of no name.

    >>> import numpy as np
    >>> parameter_counts({"pca_mean": np.ones(9), "encoder.a": np.ones(4)})
    {'encoder': 4}
    """
    counts: dict[str, int] = {}
    for name, tensor in tensors.items():
        part = name.rpartition(".")[0].partition(".")[0]
        if not name.startswith("pca_"):
            counts[part] = counts.get(part, 0) + tensor.size
    return counts


def _counted(facts: ModelFacts, parameters: Mapping[str, int]) -> str:
    """Say how many, in all and by part; the encoder with its kind."""
    named = facts.config.get("encoder", {}).get("kind")
    kind = f" ({named})" if named else ""
    parts = [
        f"{part.replace('_', ' ')}{kind if part == 'encoder' else ''} {count:,}"
        for part, count in parameters.items()
        if part
    ]
    return " = ".join([f"{sum(parameters.values()):,}", " + ".join(parts)][: 1 + bool(parts)])


def _trust(notes: Sequence[str], paper: bool) -> str:
    lines = ["## What it can be trusted for\n", "Trained without labels.", *notes]
    if paper:
        lines.append(
            "Trained with `--paper`: our reading of the published shape; every number [I]."
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
