"""What the last run compared, so that the next one tells only what is new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import DamageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

SCHEMA = 1


def last_run_beside(store: Path) -> Path:
    """Return the file that holds what the last run on a store compared.

    >>> last_run_beside(Path("videos/feats.h5")).as_posix()
    'videos/feats.h5.dedup.json'
    """
    return store.with_name(f"{store.name}.dedup.json")


def read_last_run(path: Path) -> dict[str, int] | None:
    """Return how many files of each content the last run compared; ``None`` if there was none.

    Contents are SHA-256 of the files' bytes, hexadecimal: a file that moved is not new.

    Raises:
        DamageError: If the file is not one of ours.
    """
    hint = "delete it: the next run then compares all videos"
    try:
        facts = json.loads(path.read_bytes())
        if facts["schema"] != SCHEMA:
            raise ValueError(f"schema {facts['schema']}")
        return {str(content): int(files) for content, files in facts["compared"].items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"cannot read what the last run compared in `{printable(path)}`: {error}"
        raise DamageError(message, hint=hint) from error


def write_last_run(path: Path, files: Mapping[str, int]) -> None:
    """Write how many files of each content were compared, whole or not at all.

    Raises:
        StorageError: If it cannot be written.
    """
    facts = {"schema": SCHEMA, "compared": dict(sorted(files.items()))}
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=0) + "\n")
