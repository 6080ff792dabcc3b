"""One video of a run, for all of its stores: identify it, tell twins, decode, embed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..decode import Decoder
from ..inputs.manifest import FileIdentity, content_id, identify
from ..records import FailedVideo, VideoError, VideoFeatures, VideoItem
from .duplicates import Twin
from .features import Recipe, read_features

Outcome = VideoFeatures | FailedVideo | Twin


@dataclass(frozen=True, slots=True)
class Job:
    """A video that some stores of a run lack.

    Attributes:
        item: The video.
        stores: Their numbers.
        attempts: How often it has failed so far.
    """

    item: VideoItem
    stores: tuple[int, ...]
    attempts: int = 0


class Claiming(Protocol):
    """Knows which contents a store has or will have."""

    def claim(self, video_id: bytes, path: bytes) -> bytes:
        """Return the path that reads these bytes: ``path``, or another, or none is needed."""
        ...


class VideoReader:
    """Does one job after another; may be called from many threads.

    Args:
        root: The folder that paths are relative to, ``os.fsencode``.
        recipes: One for each store.
        claims: One for each store.
        follow_symlinks: Whether links may lead out of ``root``.
    """

    def __init__(
        self, root: bytes, recipes: Sequence[Recipe], claims: Sequence[Claiming], *,
        follow_symlinks: bool,
    ) -> None:  # fmt: skip
        self._root = Path(os.fsdecode(root))
        self._recipes, self._claims = recipes, claims
        self._follow_symlinks = follow_symlinks

    def __call__(self, decoder: Decoder, job: Job) -> Mapping[int, Outcome]:
        """Return what became of the job's video, for each store that lacks it."""
        path = self._root / os.fsdecode(job.item.path)
        try:
            identity = identify(path, self._root, follow_symlinks=self._follow_symlinks)
            video_id = content_id(path)
            return self._read(decoder, job, path, video_id, identity)
        except VideoError as error:
            return dict.fromkeys(job.stores, failure_of(job, error))

    def _read(
        self, decoder: Decoder, job: Job, path: Path, video_id: bytes, identity: FileIdentity
    ) -> Mapping[int, Outcome]:
        name = job.item.path
        mine = [n for n in job.stores if self._claims[n].claim(video_id, name) == name]
        found: dict[int, Outcome] = dict.fromkeys(job.stores, Twin(job.item, video_id, identity))
        if not mine:
            return found
        recipes = [self._recipes[number] for number in mine]
        try:
            outcomes = read_features(decoder, path, name, video_id, identity, recipes)
        except VideoError as error:
            return found | dict.fromkeys(mine, failure_of(job, error))
        return found | {
            number: failure_of(job, made) if isinstance(made, VideoError) else made
            for number, made in zip(mine, outcomes, strict=True)
        }


def failure_of(job: Job, error: VideoError) -> FailedVideo:
    """Return the record of a failed try."""
    return FailedVideo(
        job.item.path, error.status, str(error), job.attempts + 1, error.command, error.stderr
    )
