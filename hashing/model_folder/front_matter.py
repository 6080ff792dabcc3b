"""YAML front matter of the model card, as model hubs read it. JSON strings are valid YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import printable

from .folder import ModelFacts

_FENCE, _RESULTS = "---\n", "model-index:\n"


def front_matter(facts: ModelFacts) -> str:
    """Return the front matter of a model without measured quality, fences included."""
    tags = ["video", "video-retrieval", "similarity-search", "hashing", "binary-codes"]
    lines = [
        "library_name: chainpipe",
        "pipeline_tag: feature-extraction",
        "license: unknown  # yours to choose: the weights come from your videos",
        "tags:",
        *(f"- {json.dumps(tag)}" for tag in [*tags, "self-supervised", facts.method]),
    ]
    return _FENCE + "\n".join(lines) + "\n" + _FENCE


def with_results(card: str, entries: Sequence[Mapping[str, Any]], *, name: str) -> str:
    """Return a card whose front matter lists measured quality; other lines stay as they are.

    Args:
        card: Markdown; without front matter it is returned as it is.
        entries: Measurements, as :mod:`.quality` keeps them.
        name: Of the model.
    """
    if not card.startswith(_FENCE) or _FENCE not in card[len(_FENCE) :]:
        return card
    head, body = card[len(_FENCE) :].split("\n" + _FENCE, 1)
    kept = (head + "\n").partition(_RESULTS)[0]
    listed = _index(entries, name) if entries else ""
    return _FENCE + kept + listed + _FENCE + body


def _index(entries: Sequence[Mapping[str, Any]], name: str) -> str:
    lines = [f"{_RESULTS}- name: {json.dumps(name)}\n  results:"]
    for entry in entries:
        dataset = json.dumps(printable(Path(entry["store"]).name))
        lines += [
            "  - task:\n      type: feature-extraction\n      name: video retrieval",
            f"    dataset:\n      type: {dataset}\n      name: {dataset}",
            "    metrics:",
        ]
        for k, value in entry["map"].items():
            words = json.dumps(f"mAP@{k}, {entry['protocol']['name']}{_by(entry)}")
            lines.append(f"    - type: map_at_{k}\n      name: {words}\n      value: {value:.6f}")
    return "\n".join(lines) + "\n"


def _by(entry: Mapping[str, Any]) -> str:
    """Return the distance of an entry for a metric's name; nothing for Hamming distance."""
    distance = entry.get("distance", "hamming")
    return "" if distance == "hamming" else f", {distance}"
