"""From an uploaded file to frame features: decoded in the limited child, ended when time is up."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.extraction.single_videos import extract_features
from chainpipe.pipeline.records import FailedVideo, Status, StoreMeta, VideoFeatures, raise_if_ours

from .problems import RequestProblem
from .uploads import Upload

CLASSES = {
    Status.LIMIT: "it asks for more than the limits of this server",
    Status.TIMEOUT: "it took too long to decode",
    Status.REFUSED: "it is a playlist or names other files",
    Status.NO_VIDEO: "it holds no pictures",
}


class _TimeIsUp(Exception):  # noqa: N818 - it only ends a loop
    """The time for one upload is over, or the server stops."""


class VideoReading:
    """Reads uploaded videos as the library's own were read.

    Args:
        meta: How the library's features were made.
        seconds: For one video.
        device: For the backbone.
        trust_weights: Whether pickled weights may be read.

    Attributes:
        lacks: Why files cannot be read here; empty if they can, or before :meth:`prepare`.
    """

    def __init__(
        self, meta: StoreMeta, *, seconds: float, device: str, trust_weights: bool
    ) -> None:
        self._meta, self._seconds = meta, seconds
        self._device, self._trust_weights = device, trust_weights
        self._stop = threading.Event()
        self.lacks = ""

    def prepare(self) -> None:
        """Build the backbone, so that the first upload does not wait; note why there is none."""
        try:
            self._extract([], time.monotonic())
        except ChainpipeError as error:
            self.lacks = str(error)

    def stop(self) -> None:
        """End what is being read."""
        self._stop.set()

    def features(self, upload: Upload) -> VideoFeatures:
        """Return the features of an upload; of a picture, those of one frame.

        Raises:
            RequestProblem: If it cannot be read (422), or files cannot be read here (501).
        """
        if self.lacks:
            hint = "search by the id of a video of the library"
            raise RequestProblem(501, "no_backbone", "this server cannot read files", hint=hint)
        try:
            [found] = self._extract([upload.path], time.monotonic() + self._seconds)
        except _TimeIsUp as error:
            raise unreadable(upload.name, Status.TIMEOUT) from error
        if isinstance(found, FailedVideo):
            raise_if_ours([found])
            raise unreadable(upload.name, found.status)
        return found

    def _extract(self, paths: list[Path], end: float) -> list[VideoFeatures | FailedVideo]:
        def check(_done: int) -> None:
            if self._stop.is_set() or time.monotonic() > end:
                raise _TimeIsUp

        return extract_features(
            paths,
            self._meta,
            workers=1,
            device=self._device,
            trust_weights=self._trust_weights,
            pictures=True,
            advance=check,
        )


def unreadable(name: str, status: Status) -> RequestProblem:
    """Return the refusal of a file; messages of decoders are left out, as they name paths."""
    why = CLASSES.get(status, "it is damaged, or no video or picture that can be read")
    return RequestProblem(422, status.label, f"`{name}` cannot be read: {why}")
