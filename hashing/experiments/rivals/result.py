"""Result of one fitted and scored representation as a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import DamageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalResult:
    """Result of one (row, size, seed) in one case.

    Attributes:
        store: Name of the store.
        case: Name of the case.
        row: The row's label.
        size: Bytes that were asked for; 0 for a row with a size of its own.
        bytes: Bytes of a stored video.
        seed: Seed of the fit.
        videos: Number of training videos.
        scores: ``map@20`` and ``p@1``; of copies ``p@1`` and ``p@1 EDIT``.
        train_cpu: CPU seconds of the training, reading the store included; ``None`` if it was
            interrupted.
        query_cpu: CPU seconds of a query.
        made: Settings that must match to keep the result.
        version: Version of chainpipe.
        code: Digest of the source files that decide the scores.
    """

    store: str
    case: str
    row: str
    size: int
    bytes: int
    seed: int
    videos: int
    scores: dict[str, float]
    train_cpu: float | None
    query_cpu: float
    made: dict[str, Any]
    version: str
    code: str
    schema: int = field(default=SCHEMA)


def read_rival_result(path: Path) -> RivalResult | None:
    """Read a result; ``None`` if there is no such file.

    Raises:
        DamageError: If the file is not a result.
    """
    try:
        return RivalResult(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        hint = "remove the file; its run is then made again"
        raise DamageError(f"`{path}` is truncated or altered: {error}", hint=hint) from error


def write_rival_result(path: Path, result: RivalResult) -> None:
    """Write a result atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replace(path) as temporary:
            temporary.write_text(json.dumps(asdict(result)))
