"""Options of an import."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import UsageError
from ..inputs.manifest import Labels
from ..options import SHORTEST_STEP
from .source import ColumnNames

DEFAULT_BACKBONE = "unknown"
ImportDtype = Literal["auto", "float16", "float32", "f2", "f4"]
_DTYPES = {"f2": "float16", "f4": "float32"}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import, and how.

    Attributes:
        sources: One file or folder, or several of one kind.
        out: The store, ``.h5`` or ``.zarr``.
        names: The columns to read.
        labels: ``folders``, or a list that gives labels and splits by id.
        dtype: Of the store; ``auto`` keeps float16 and float32.
        backbone: Name of the network that made the features.
        every: Seconds between two frames; 0 if not known.
        videos: Folder that the ids are relative to, if they are paths.
        skip_bad: Leave out videos with NaN, infinity or nothing.
        restart: Replace a store that holds something else.

    Raises:
        UsageError: If a value is wrong.
    """

    sources: tuple[Path, ...]
    out: Path
    names: ColumnNames = field(default_factory=ColumnNames)
    labels: Labels | None = None
    dtype: ImportDtype = "auto"
    backbone: str = DEFAULT_BACKBONE
    every: float = 0.0
    videos: Path | None = None
    skip_bad: bool = False
    restart: bool = False

    def __post_init__(self) -> None:
        if not self.sources:
            raise UsageError("nothing to import", hint="name a file or folder of features")
        if not (self.every == 0 or SHORTEST_STEP <= self.every < float("inf")):
            hint = f"seconds between two frames, at least {SHORTEST_STEP:g}"
            raise UsageError(f"`every` is {self.every:g}", hint=hint)
        if self.dtype not in ("auto", *_DTYPES, *_DTYPES.values()):
            hint = "one of auto, float16 (f2), float32 (f4)"
            raise UsageError(f"no type `{self.dtype}`", hint=hint)
        if not self.backbone.strip() or not self.backbone.isprintable():
            raise UsageError(f"`{self.backbone}` is no name of a network", hint="one line")

    @property
    def numpy_dtype(self) -> np.dtype[Any] | None:
        """The type of the store, ``None`` for that of the features."""
        return None if self.dtype == "auto" else np.dtype(_DTYPES.get(self.dtype, self.dtype))

    @property
    def root(self) -> bytes:
        """``os.fsencode`` of the folder that ids are relative to."""
        first = self.sources[0]
        below = first if first.is_dir() else first.parent
        return os.fsencode(os.path.abspath(self.videos or below))
