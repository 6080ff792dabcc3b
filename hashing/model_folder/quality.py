"""Measured quality: stored in the model folder and rendered in the model card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .folder import ModelFacts, read_facts
from .front_matter import with_results
from .marked_section import with_marked_section

QUALITY, CARD = "quality.json", "README.md"
BEGIN, END = "<!-- quality: begin -->\n", "<!-- quality: end -->\n"
_NONE = "Not measured yet: `chainpipe eval --model THIS_FOLDER` on a labelled store adds it here.\n"
_SHOWN = ("5", "20", "100")  # K of mAP@K
_KEPT = (
    "distance",
    "rerank_depth",
    "protocol",
    "queries",
    "database",
    "map",
    "map_min",
    "map_tied",
    "gmap",
)


def add_quality(
    folder: Path, facts: ModelFacts, measured: Mapping[str, Any], *, words: Sequence[str]
) -> None:
    """Store the scores of an evaluation in the model folder, and render them in the card.

    ``quality.json`` has the newest entry of each store, protocol and distance; the card is rendered
    from it. Both files are replaced atomically, and the model's checksums cover neither. A folder
    that contains another model by now is not changed.

    Args:
        folder: The model folder.
        facts: Metadata of the model that was evaluated.
        measured: What ``eval --json`` prints.
        words: The protocol as sentences.

    Raises:
        StorageError: If a file cannot be written.
    """
    if read_facts(folder).weights_sha256 != facts.weights_sha256:
        return
    entry = {
        "store": facts.store,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "words": list(words),
        **{name: measured[name] for name in _KEPT if name in measured},
    }
    others = [one for one in read_quality(folder, facts) if _key(one) != _key(entry)]
    entries = [*others, entry]
    content = {"schema": 1, "weights_sha256": facts.weights_sha256, "measured": entries}
    _write(folder / QUALITY, json.dumps(content, indent=2) + "\n")
    card = folder / CARD
    if card.is_file():
        text = with_section(card.read_text(encoding="utf-8"), entries)
        _write(card, with_results(text, entries, name=folder.absolute().name))


def read_quality(folder: Path, facts: ModelFacts) -> list[dict[str, Any]]:
    """Return the stored entries of a model; none if the file is missing or of another model."""
    try:
        content = json.loads((folder / QUALITY).read_bytes())
        found = content["measured"] if content["weights_sha256"] == facts.weights_sha256 else []
        return [one for one in found if _key(one)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def quality_section(entries: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the card's quality section between its marks, which let it be replaced later."""
    parts = [_entry(entry) for entry in entries]
    return BEGIN + "## Quality\n\n" + ("\n".join(parts) or _NONE) + END


def with_section(card: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Return a card with a new section; one without the marks is returned as it is."""
    return with_marked_section(card, quality_section(entries), begin=BEGIN, end=END)


def _entry(entry: Mapping[str, Any]) -> str:
    queries, database = counted(entry["queries"], "query"), counted(entry["database"], "video")
    heads = " | ".join(f"mAP@{k}" for k in _SHOWN)
    values = " | ".join(f"{entry['map'][k]:.4f}" for k in _SHOWN)
    what = (
        f"`{printable(Path(entry['store']).name)}`, {entry['date'][:10]}: {queries} in {database}"
    )
    rows = [f"| {heads} |", f"|{'---:|' * len(_SHOWN)}", f"| {values} |"]
    words = [f"- {sentence}" for sentence in entry["words"]]
    return "\n".join([f"{what}.\n", *rows, "", "Protocol:\n", *words]) + "\n"


def _key(entry: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what there is one entry of: store, protocol, distance (`hamming` before 0.3)."""
    protocol = json.dumps(entry["protocol"], sort_keys=True)
    return entry["store"], protocol, entry.get("distance", "hamming")


def _write(path: Path, text: str) -> None:
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
