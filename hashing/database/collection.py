"""What a collection of codes in a database says of itself: bits, model, kind of rows, index."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from .rows import CodeTable

FORMAT, SCHEMA = "chainpipe-codes", 1
VIDEOS, WINDOWS = "videos", "windows"
EXACT, IVF, HNSW = "exact", "ivf", "hnsw"
INDEXES = (EXACT, IVF, HNSW)


@dataclass(frozen=True, slots=True)
class CollectionFacts:
    """What one collection holds; the database keeps it as JSON beside the rows.

    Attributes:
        bits: K.
        model: SHA-256 of the model's weights, hexadecimal; empty for codes of no model of ours.
        backbone: Of the features that the model reads.
        rows: ``videos`` or ``windows``.
        index: One of :data:`INDEXES`.
        effort: Cells or candidates that a search in the index looks at; 0 for an exact one.
    """

    bits: int
    model: str
    backbone: str
    rows: str = VIDEOS
    index: str = EXACT
    effort: int = 0

    @classmethod
    def of(cls, table: CodeTable) -> CollectionFacts:
        """Return what a collection of these rows would say."""
        origin = table.codes.origin
        kind = WINDOWS if table.of_windows else VIDEOS
        return cls(table.codes.bits, origin.sha256, origin.fingerprint.backbone, kind)

    def to_json(self) -> str:
        """Return the text that the database keeps."""
        return json.dumps({"format": FORMAT, "schema": SCHEMA, **asdict(self)})

    def check_same(self, other: CollectionFacts, name: str) -> None:
        """Refuse rows that do not belong into this collection.

        Args:
            other: Of the rows.
            name: Of this collection, as a message prints it.

        Raises:
            UsageError: If bits, model or kind of rows differ.
        """
        if self.bits != other.bits:
            differ = f"{counted(self.bits, 'bit')}, not {other.bits}"
        elif self.model != other.model:
            differ = f"model {_short(self.model)}, not {_short(other.model)}"
        elif self.rows != other.rows:
            differ = f"{self.rows}, not {other.rows}"
        else:
            return
        hint = "codes of two models do not compare: take another collection, or `--recreate`"
        raise UsageError(f"`{name}` holds codes of {differ}", hint=hint)


def facts_of_json(text: str | None, name: str) -> CollectionFacts:
    """Read what a collection says of itself.

    Args:
        text: What the database keeps.
        name: Of the collection, as a message prints it.

    Raises:
        UsageError: If it is not a collection of chainpipe, or of a later version.
    """
    try:
        found = json.loads(text or "")
        if found["format"] != FORMAT:
            raise ValueError(found["format"])
        schema = int(found["schema"])
    except (ValueError, KeyError, TypeError) as error:
        hint = "name another one; it is left as it is"
        raise UsageError(f"`{name}` exists, and chainpipe did not make it", hint=hint) from error
    if schema != SCHEMA:
        message = f"`{name}` has schema {schema}, and this chainpipe reads {SCHEMA}"
        raise UsageError(message, hint="update chainpipe, or name another one")
    try:
        return CollectionFacts(**{one.name: found[one.name] for one in fields(CollectionFacts)})
    except KeyError as error:
        message = f"`{name}` does not say its {error}"
        raise UsageError(message, hint="push it anew with `--recreate`") from error


def _short(model: str) -> str:
    return model[:12] or "unknown"
