"""What a user can ask of an extraction, checked where it is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pipeline.crew import cores
from pipeline.errors import UsageError
from pipeline.records import Status

By = Literal["index", "time"]
Fit = Literal["crop", "squash", "pad"]
Dtype = Literal["float16", "float32"]


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """One extraction.

    Attributes:
        source: Folder of videos, or a ``.csv`` or ``.jsonl`` list of them.
        out: The store to make, ``.h5`` or ``.zarr``.
        labels: List whose labels and splits win over those of ``source``.
        follow_symlinks: Whether links may lead out of the folder.
        frames: T, how many frames of a video.
        by: Middles of T equal runs of frames (``index``) or of the duration (``time``).
        fit: How frames become squares.
        backbone: Name of the image network.
        trust_weights: Whether pickled weights may be read.
        dtype: Of the stored features.
        strict: Whether ``partial`` videos count as failed.
        retry: Failed videos of which statuses are tried again.
        restart: Whether to build the store anew.
        workers: Videos decoded at a time.
        threads: CPU threads of the backbone for one video.
        device: Where the backbone runs.
    """

    source: Path
    out: Path
    labels: Path | None = None
    follow_symlinks: bool = False
    frames: int = 25
    by: By = "index"
    fit: Fit = "crop"
    backbone: str = "cnn"
    trust_weights: bool = False
    dtype: Dtype = "float16"
    strict: bool = False
    retry: frozenset[Status] = frozenset()
    restart: bool = False
    workers: int = field(default_factory=cores)
    threads: int = 1
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("frames", "workers", "threads"):
            if getattr(self, name) < 1:
                raise UsageError(f"`{name}` is {getattr(self, name)}", hint="it is at least 1")


def failures_named(names: Iterable[str]) -> frozenset[Status]:
    """Return the statuses that words such as ``corrupt`` or ``all`` mean.

    Args:
        names: Labels of statuses, several in one word separated by commas.

    Raises:
        UsageError: If there is no such status of failed videos.

    Example:
        >>> sorted(status.label for status in failures_named(["limit,corrupt"]))
        ['corrupt', 'limit']
    """
    failures = {status.label: status for status in Status if status >= Status.PARTIAL}
    asked = {word.strip() for name in names for word in name.split(",")}
    if "all" in asked:
        return frozenset(failures.values())
    if unknown := sorted(asked - failures.keys()):
        known = ", ".join(f"`{label}`" for label in failures)
        raise UsageError(f"no class of failures `{unknown[0]}`", hint=f"`all` or {known}")
    return frozenset(failures[name] for name in asked)
