"""Context of stage two's commands: functions of stage one, and the console."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from chainpipe.pipeline.records import FailedVideo, Frames, StoreMeta, VideoFeatures

    DecodeFrames = Callable[[Sequence[Path], int, int, int | None], list[Frames | FailedVideo]]


@dataclass(frozen=True, slots=True)
class Tools:
    """Functions of stage one and of the console that a command uses.

    Attributes:
        find: Lists the videos under a folder.
        features: Extracts features of videos with given settings, one result per path, in order.
        thumbnails: Returns an RGB thumbnail (height, width, 3) of each video, ``None`` on failure;
            the second argument is its side in pixels.
        progress: Progress bar: ``with progress(what, total) as advance``.
        log: Prints one line to stderr.
        warn: Prints one warning to stderr.
        frames: Decodes frames spread over each video: paths, frames of each, side in pixels, and
            how many videos at a time.
        sequences: As ``features``, with a frame for each step of the settings' ``every``.
        moments: Returns the picture of a video on the screen at some seconds, ``None`` on failure;
            the third argument is its side in pixels.
    """

    find: Callable[[Path], Sequence[Path]]
    features: Callable[[Sequence[Path], StoreMeta], list[VideoFeatures | FailedVideo]]
    thumbnails: Callable[[Sequence[Path], int], list[npt.NDArray[np.uint8] | None]]
    progress: Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
    log: Callable[[str], None]
    warn: Callable[[str], None] = lambda line: None
    frames: DecodeFrames = lambda paths, frames, size, workers: []
    sequences: Callable[[Sequence[Path], StoreMeta], list[VideoFeatures | FailedVideo]] = (
        lambda paths, meta: []
    )
    moments: Callable[[Path, Sequence[float], int], list[npt.NDArray[np.uint8] | None]] = (
        lambda path, seconds, size: [None] * len(seconds)
    )


def tools_of(context: typer.Context) -> Tools:
    """Return the tools of a command's context.

    Raises:
        TypeError: If the context object is of another type.
    """
    if not isinstance(context.obj, Tools):
        raise TypeError(f"the verbs need `Tools` as context, not {context.obj!r}")
    return context.obj
