"""What a gallery shows beside its store, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chainpipe.pipeline.errors import UsageError

from .code_map import MapKind

NEIGHBOURS, THUMBNAILS = 12, 8


@dataclass(frozen=True, slots=True)
class GalleryInputs:
    """What a gallery shows beside the store.

    Attributes:
        model: A model folder; by default the newest that was trained on the store.
        codes: A codes file; by default that of the model.
        duplicates: What ``dedup --json`` printed; by default the store is looked through now.
        look: Whether it is looked through where no file is named.
        finds: What ``find --json`` printed.
        decisions: File of decisions; by default ``decisions.jsonl`` beside the store.
        neighbours: How many of each video.
        map: How the map is made.
        thumbnails: Frames of each video, at most; fewer if the store has fewer.
        workers: Videos decoded at a time; by default one a core.
    """

    model: Path | None = None
    codes: Path | None = None
    duplicates: Path | None = None
    look: bool = True
    finds: Path | None = None
    decisions: Path | None = None
    neighbours: int = NEIGHBOURS
    map: MapKind = MapKind.TSNE
    thumbnails: int = THUMBNAILS
    workers: int | None = None

    def __post_init__(self) -> None:
        for name in ("neighbours", "thumbnails"):
            if getattr(self, name) < 1:
                raise UsageError(f"`{name}` is {getattr(self, name)}", hint="it is at least 1")
