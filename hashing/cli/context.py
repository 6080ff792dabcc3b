"""What stage two's verbs are handed: the tools of stage one, and a voice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer

from chainpipe.pipeline.records import FailedVideo, StoreMeta, VideoFeatures

PANEL = "Stage two: features to codes and answers"


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything a verb needs beyond this stage.

    Attributes:
        find: Lists the videos under a folder.
        features: Extracts features of some videos with given settings, one result a path, in order.
        thumbnails: Draws a small RGB picture (H, W, 3) of each video, ``None`` where it cannot;
            the second argument is its side in pixels.
        progress: ``with progress(what, total) as advance`` shows how far a long thing is.
        log: Prints one line to stderr.
        warn: Prints one line that should be read.
    """

    find: Callable[[Path], Sequence[Path]]
    features: Callable[[Sequence[Path], StoreMeta], list[VideoFeatures | FailedVideo]]
    thumbnails: Callable[[Sequence[Path], int], list[npt.NDArray[np.uint8] | None]]
    progress: Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
    log: Callable[[str], None]
    warn: Callable[[str], None] = lambda line: None


def tools_of(context: typer.Context) -> Tools:
    """Return the tools that the program handed in.

    Raises:
        TypeError: If it handed in something else.
    """
    if not isinstance(context.obj, Tools):
        raise TypeError(f"the verbs need `Tools` as context, not {context.obj!r}")
    return context.obj
