"""One video of a run, for all of its stores: identify it, find duplicates, decode, embed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ..decode import Decoder
from ..inputs.manifest import FileIdentity, content_id, identify
from ..records import FailedVideo, VideoError, VideoFeatures, VideoItem
from .duplicates import Duplicate
from .extraction_spec import ExtractionSpec
from .features import read_features

Outcome = VideoFeatures | FailedVideo | Duplicate


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video that some stores of a run lack.

    Attributes:
        item: The video.
        stores: Their numbers.
        attempts: How often it has failed so far.
    """

    item: VideoItem
    stores: tuple[int, ...]
    attempts: int = 0


class ContentClaimer(Protocol):
    """Knows which contents a store has or will have."""

    def claim(self, video_id: bytes, path: bytes) -> bytes:
        """Return the path that reads these bytes: ``path``, or another, or none is needed."""
        ...


class VideoReader:
    """Does one job after another; may be called from many threads.

    Args:
        root: The folder that paths are relative to, ``os.fsencode``.
        specs: One for each store.
        claims: One for each store.
        follow_symlinks: Whether links may lead out of ``root``.
    """

    def __init__(
        self,
        root: bytes,
        specs: Sequence[ExtractionSpec],
        claims: Sequence[ContentClaimer],
        *,
        follow_symlinks: bool,
    ) -> None:
        self._root = Path(os.fsdecode(root))
        self._recipes, self._claims = specs, claims
        self._follow_symlinks = follow_symlinks

    def __call__(self, decoder: Decoder, job: VideoJob) -> Mapping[int, Outcome]:
        """Return what became of the job's video, for each store that lacks it."""
        path = self._root / os.fsdecode(job.item.path)
        identity = None
        try:
            identity = identify(path, self._root, follow_symlinks=self._follow_symlinks)
            video_id = content_id(path)
        except VideoError as error:
            return dict.fromkeys(job.stores, failure_of(job, error, identity))
        return self._read(decoder, job, path, video_id, identity)

    def _read(
        self, decoder: Decoder, job: VideoJob, path: Path, video_id: bytes, identity: FileIdentity
    ) -> Mapping[int, Outcome]:
        name = job.item.path
        claimed_stores = [n for n in job.stores if self._claims[n].claim(video_id, name) == name]
        found: dict[int, Outcome] = dict.fromkeys(
            job.stores, Duplicate(job.item, video_id, identity)
        )
        if not claimed_stores:
            return found
        specs = [self._recipes[number] for number in claimed_stores]
        try:
            outcomes = read_features(decoder, path, name, video_id, identity, specs)
        except VideoError as error:
            failure = failure_of(job, error, identity, video_id)
            return found | dict.fromkeys(claimed_stores, failure)
        return found | {
            number: failure_of(job, made, identity, video_id)
            if isinstance(made, VideoError)
            else made
            for number, made in zip(claimed_stores, outcomes, strict=True)
        }


def failure_of(
    job: VideoJob, error: VideoError, identity: FileIdentity | None, video_id: bytes = b""
) -> FailedVideo:
    """Return the record of a failed try, with what is known of the file."""
    failure = FailedVideo(
        job.item.path, error.status, str(error), job.attempts + 1, error.command, error.stderr
    )
    if identity is None:
        return failure
    size, mtime_ns = identity.size, identity.mtime_ns
    return replace(failure, video_id=video_id, size=size, mtime_ns=mtime_ns)
