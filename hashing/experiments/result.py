"""What is kept of a finished run, as one JSON file: settings, costs and whole evaluations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..config.aliases import canonical_sections

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One finished (row, bits, seed).

    Attributes:
        store: The name of the store.
        row: The label of the row.
        bits: K.
        seed: Of the training.
        made: What it was made from: method, resolved config and the store's digest.
        listed: The classes that are reported apart.
        scores: For ``all``, ``listed`` and ``rest``: what ``chainpipe eval --json`` prints.
        parameters: How many numbers the model has, frozen ones included.
        cpu_seconds: Of the whole training, ``None`` if it was interrupted or made before.
        wall_seconds: The same on the clock.
        encode_cpu_seconds: Of encoding ``encoded`` videos.
        encoded: How many.
        model: SHA-256 of the weights.
        cached: Which cached material of the store the views were drawn from.
        version: Of chainpipe.
        code: Digest of the program's own text.
    """

    store: str
    row: str
    bits: int
    seed: int
    made: dict[str, Any]
    listed: list[str]
    scores: dict[str, dict[str, Any]]
    parameters: int
    cpu_seconds: float | None
    wall_seconds: float | None
    encode_cpu_seconds: float
    encoded: int
    model: str
    cached: str
    version: str
    code: str
    schema: int = field(default=SCHEMA)

    @property
    def config(self) -> dict[str, dict[str, Any]]:
        """The config without ``auto``, nested."""
        config: dict[str, dict[str, Any]] = self.made["config"]
        return config


def read_result(path: Path) -> RunResult | None:
    """Return a record, or ``None`` if there is none.

    Raises:
        DamageError: If the file is no record.
    """
    try:
        content = json.loads(path.read_bytes())
        if isinstance(made := content.get("made"), dict):
            made["config"] = canonical_sections(made.get("config", {}))
        return RunResult(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        hint = "remove the file: its run is evaluated again"
        raise DamageError(f"`{path}` is truncated or altered: {error}", hint=hint) from error


def write_result(path: Path, record: RunResult) -> None:
    """Write a record; the file appears whole or not at all.

    Raises:
        StorageError: If the disk says no.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(json.dumps(asdict(record)))


def check_same_settings(record: RunResult, made: dict[str, Any], path: Path) -> None:
    """Refuse a record that was made with other settings or from another store.

    Raises:
        UsageError: Naming up to five of the differences.
    """
    there, now = _flat(record.made), _flat(made)
    differing = [n for n in sorted(there.keys() | now.keys()) if there.get(n) != now.get(n)]
    if differing:
        said = "; ".join(f"{n}: {there.get(n)} / {now.get(n)}" for n in differing[:5])
        raise UsageError(
            f"`{path}` was made with other settings (there / now): {said}",
            hint="choose another folder with `--out`, or train anew with `--restart`",
        )


def _flat(made: dict[str, Any]) -> dict[str, Any]:
    flat = {name: value for name, value in made.items() if name != "config"}
    for section, values in made["config"].items():
        flat |= {f"{section}.{name}": value for name, value in values.items()}
    return flat


@cache
def code_digest() -> str:
    """Return what tells two states of this program's stage two apart."""
    root = Path(__file__).parents[1]
    apart = ("cli", "show", "experiments")
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in apart:
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


def codes_of(records: Sequence[RunResult]) -> list[str]:
    """Return the different states of the program that made some records."""
    return sorted({record.code for record in records})
