"""Where a store's videos came from, kept in the store: its next update looks there again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..inputs.manifest import FOLDERS, Labels
from ..store import FeatureStore
from .options import PART_OF, ExtractOptions
from .single_videos import fit_of


def inputs_line(options: ExtractOptions, root: bytes) -> str:
    """Return what the store keeps of its inputs, one line; nothing for a plain folder.

    Args:
        options: Of the extraction.
        root: Folder that the paths are relative to, ``os.fsencode``.

    Example:
        >>> options = ExtractOptions.of(Path("/lib/list.csv"), Path("f.h5"), any_suffix=True)
        >>> inputs_line(options, b"/lib")
        '{"any_suffix": true, "source": "list.csv"}'
    """
    inputs, facts = options.inputs, dict[str, object]()
    source = os.path.abspath(options.source)
    if os.fsencode(source) != root:
        facts["source"] = _place(source, root)
    if inputs.labels is not None:
        plain = inputs.labels == FOLDERS
        facts["labels"] = FOLDERS if plain else {"file": _place(inputs.labels, root)}
    for name in ("follow_symlinks", "any_suffix"):
        if getattr(inputs, name):
            facts[name] = True
    return json.dumps(facts, sort_keys=True) if facts else ""


def options_of(store: FeatureStore, *, source: Path | None = None) -> ExtractOptions:
    """Return the options that extend a store by what is new: its own settings and inputs.

    Args:
        store: Made by an extraction.
        source: Folder or list of its videos, where they are not where they were.

    Raises:
        UsageError: If it was not extracted here, or its list is gone.
    """
    settings = store.meta.settings()
    facts = _facts(store)
    root = os.fsdecode(store.root)
    own = Path(os.path.join(root, str(facts.get("source", ""))))
    if source is None and not own.exists():
        what = "list of videos" if "source" in facts else "folder of the videos"
        hint = "`--videos` names the place where they are now; is a drive unplugged?"
        raise UsageError(f"the {what} of `{store.path}` is gone: `{own}`", hint=hint)
    known: dict[str, Any] = {name: value for name, value in settings.items() if name in PART_OF}
    return ExtractOptions.of(
        source or own,
        store.path,
        **known | {"backbone": settings["backbone"], "fit": fit_of(store.meta)},
        labels=_labels(facts.get("labels"), root),
        follow_symlinks=bool(facts.get("follow_symlinks")),
        any_suffix=bool(facts.get("any_suffix")),
    )


def _facts(store: FeatureStore) -> dict[str, Any]:
    try:
        facts = json.loads(store.meta.inputs or "{}")
    except ValueError:
        facts = {}
    return facts if isinstance(facts, dict) else {}


def _labels(kept: object, root: str) -> Labels | None:
    """Return where labels come from; those of a list that is gone are in the store."""
    if kept == FOLDERS:
        return FOLDERS
    if isinstance(kept, dict) and isinstance(kept.get("file"), str):
        file = Path(os.path.join(root, kept["file"]))
        return file if file.is_file() else None
    return None


def _place(path: str | os.PathLike[str], root: bytes) -> str:
    """Return a path as seen from a folder, where it is below it, else the absolute one."""
    place, folder = os.path.abspath(path), os.fsdecode(root)
    below = os.path.commonpath([place, folder]) == folder
    return os.path.relpath(place, folder) if below else place
