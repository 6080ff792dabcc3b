"""Result of a finished run as one JSON file: settings, cost and evaluations."""

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
    """Result of one (row, K, seed).

    Attributes:
        store: The name of the store.
        row: The label of the row.
        bits: Code length K.
        seed: Seed of the training.
        made: Method, resolved config and store digest.
        listed: Classes that were also evaluated on their own.
        scores: For ``all``, ``listed`` and ``rest``: the object of ``chainpipe eval --json``.
        parameters: Number of parameters, frozen ones included.
        cpu_seconds: CPU time of the training; ``None`` if it was interrupted.
        wall_seconds: Wall-clock time of the training; ``None`` likewise.
        encode_cpu_seconds: CPU time of encoding ``encoded`` videos.
        encoded: Number of encoded videos.
        model: SHA-256 of the weights.
        cached: Which cached features of the store the views were sampled from.
        version: Version of chainpipe.
        code: Digest of the source files that decide the scores.
        values: Config keys that the row sets; empty in files of before.
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
    values: dict[str, Any] = field(default_factory=dict)
    schema: int = field(default=SCHEMA)

    @property
    def config(self) -> dict[str, dict[str, Any]]:
        """The config without ``auto``, nested."""
        config: dict[str, dict[str, Any]] = self.made["config"]
        return config


def read_result(path: Path) -> RunResult | None:
    """Read a result; ``None`` if there is no such file.

    Raises:
        DamageError: If the file is not a result.
    """
    try:
        content = json.loads(path.read_bytes())
        if isinstance(made := content.get("made"), dict):
            made["config"] = canonical_sections(made.get("config", {}))
        return RunResult(**content)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        hint = "remove the file; its run is then evaluated again"
        raise DamageError(f"`{path}` is truncated or altered: {error}", hint=hint) from error


def write_result(path: Path, result: RunResult) -> None:
    """Write a result atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(json.dumps(asdict(result)))


def check_same_settings(before: dict[str, Any], made: dict[str, Any], path: Path) -> None:
    """Refuse a result that has other settings or is of another store.

    Args:
        before: Settings of the result; the config is nested as ``config``.
        made: Settings of the run.
        path: File of the result.

    Raises:
        UsageError: If they differ; up to five differences are named.
    """
    there, now = _flat(before), _flat(made)
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
    """Return the SHA-256, 12 digits, of the sources of stage two that decide a run's scores."""
    root = Path(__file__).parents[1]
    excluded = ("cli", "reporting", "experiments")  # rooms that only start runs and print them
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in excluded:
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


def codes_of(results: Sequence[RunResult]) -> list[str]:
    """Return the distinct code digests of some results."""
    return sorted({result.code for result in results})
