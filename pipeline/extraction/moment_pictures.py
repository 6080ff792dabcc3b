"""Decode pictures of many videos, each at some seconds, in limited child processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..decode import Decoder, FrameRequest
from ..inputs.manifest import identify
from ..options import available_cpus
from ..records import FailedVideo, VideoError
from .worker_pool import WorkerPool

Pictures = npt.NDArray[np.uint8]  # (T, H, W, 3) RGB


@dataclass(frozen=True, slots=True)
class PictureJob:
    """Which pictures of one video are wanted.

    Attributes:
        path: The video.
        seconds: Rising, counted from the first shown frame; T of them.
        size: Side of the square that the whole picture is squeezed into, in pixels.
    """

    path: Path
    seconds: tuple[float, ...]
    size: int


def pictures_at(
    jobs: Sequence[PictureJob], *, workers: int | None = None
) -> Iterator[tuple[int, Pictures | FailedVideo]]:
    """Decode the frames on the screen at some seconds of each video, as they come.

    Args:
        jobs: What is wanted.
        workers: Videos decoded at a time; one a core by default.

    Yields:
        The number of a job and its pictures, (T, size, size, 3) RGB bytes, or why there are none.
    """
    if not jobs:
        return
    count = min(workers or available_cpus(), len(jobs))
    with WorkerPool(enumerate(jobs), _decode, workers=count) as pool:
        yield from (result for result in pool.results() if result is not None)


def _decode(decoder: Decoder, job: tuple[int, PictureJob]) -> tuple[int, Pictures | FailedVideo]:
    number, wanted = job
    request = FrameRequest(
        len(wanted.seconds), size=wanted.size, fit="squash", pictures=True, moments=wanted.seconds
    )
    try:
        identify(wanted.path)
        return number, decoder.read(wanted.path, request).pixels
    except VideoError as error:
        name = os.fsencode(wanted.path)
        return number, FailedVideo(name, error.status, str(error), 1, error.command, error.stderr)
