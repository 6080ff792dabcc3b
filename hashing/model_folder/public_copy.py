"""A model's files as others may see them: without the places of this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainpipe.pipeline.records import portable_backbone

from .folder import STORE_FROM_FOLDER, ModelFacts
from .front_matter import with_results
from .quality import CARD, QUALITY, with_section

_OWN_LIBRARY = (STORE_FROM_FOLDER, "content_sample")  # of use beside the own library only
_FOLDER = "THIS_FOLDER"


def public_facts(facts: ModelFacts) -> ModelFacts:
    """Return the metadata without paths, and without the checksums of single training videos.

    Args:
        facts: The metadata.

    Returns:
        The metadata; a backbone from a file keeps that file's name only.
    """
    kept = {name: value for name, value in facts.data.items() if name not in _OWN_LIBRARY}
    plugins = [{**used, "file": Path(used["file"]).name} for used in kept.get("plugins", ())]
    data = {**kept, "plugins": plugins} if plugins else kept
    backbone = portable_backbone(facts.fingerprint.backbone)
    print_ = replace(facts.fingerprint, backbone=backbone)
    return replace(facts, store="", data=data, fingerprint=print_)


def public_extras(
    facts: ModelFacts, extras: Mapping[str, bytes], *, name: str, source: str
) -> dict[str, bytes]:
    """Return the further files of a model folder without paths.

    Args:
        facts: The metadata, with its paths.
        extras: The files, by name.
        name: Of the model in its card.
        source: How its users name the model, such as ``hf:ORG/NAME``.

    Returns:
        The files. The card lists the measured quality that ``quality.json`` holds, and no other.
    """
    found = dict(extras)
    entries = _public_entries(facts, found.pop(QUALITY, b""))
    if entries:
        content = {"schema": 1, "weights_sha256": facts.weights_sha256, "measured": entries}
        found[QUALITY] = (json.dumps(content, indent=2) + "\n").encode()
    if CARD in found:
        card = with_results(
            with_section(found[CARD].decode("utf-8", "replace"), entries), entries, name=name
        )
        for private, public in _replaced(facts).items():
            card = card.replace(private, public)
        found[CARD] = card.replace(_FOLDER, source).encode()
    return found


def _public_entries(facts: ModelFacts, quality: bytes) -> list[dict[str, Any]]:
    """Return the measurements of this model, each with its store's name instead of its path."""
    try:
        content = json.loads(quality)
        measured = content["measured"] if content["weights_sha256"] == facts.weights_sha256 else []
        return [{**entry, "store": Path(entry["store"]).name} for entry in measured]
    except (ValueError, KeyError, TypeError):
        return []


def _replaced(facts: ModelFacts) -> dict[str, str]:
    """Return what to replace in a text; the longest come first."""
    backbone = facts.fingerprint.backbone
    pairs = {backbone: portable_backbone(backbone)}
    paths = [facts.store, *(used["file"] for used in facts.data.get("plugins", ()))]
    pairs |= {path: Path(path).name for path in paths if path}
    return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))
