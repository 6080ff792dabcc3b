"""One video to its features in the calling thread; decoder and backbone are kept for the next."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import lru_cache
from pathlib import Path

from ..backbones import Backbone, build_backbone
from ..decode import DecodeWorker
from ..errors import BugError, VideoReadError
from ..inputs.manifest import content_id, identify
from ..options import BackboneOptions
from ..records import Status, VideoError, VideoFeatures
from ..records.enums import UNEXPECTED
from .extraction_spec import ExtractionSpec
from .features import read_features

_KEPT_BACKBONES = 4
_AGAIN = "the file may be whole: another try can succeed"
_NEVER = "the file itself gives no frames: another try ends the same way"
_HINTS = {
    Status.UNREADABLE: "name a file that is there and may be read",
    Status.LIMIT: "`chainpipe extract` says in its help which limits there are",
}


class _HeldDecoder:
    """The decode child of one thread, which ends with the thread."""

    def __init__(self) -> None:
        self.worker, self.pid = DecodeWorker(), os.getpid()

    def __del__(self) -> None:
        if self.pid == os.getpid():  # after a fork the child belongs to the other process
            with contextlib.suppress(Exception):
                self.worker.close()


class _OfThread(threading.local):
    held: _HeldDecoder | None = None


_of_thread = _OfThread()
_building = threading.Lock()


def thread_decoder() -> DecodeWorker:
    """Return the decode child of the calling thread; one is started in each thread and process."""
    held = _of_thread.held
    if held is None or held.pid != os.getpid():
        held = _of_thread.held = _HeldDecoder()
    return held.worker


def kept_backbone(name: str, options: BackboneOptions) -> Backbone:
    """Return a backbone that is built once a process and stays.

    Args:
        name: As for ``build_backbone``.
        options: Where and how it runs.

    Raises:
        UsageError: If there is no such backbone, device or weights.
    """
    with _building:
        return _built(os.getpid(), name, options)


@lru_cache(maxsize=_KEPT_BACKBONES)
def _built(pid: int, name: str, options: BackboneOptions) -> Backbone:
    return build_backbone(
        name,
        device=options.device,
        threads=options.threads,
        trust_weights=options.trust_weights,
        batch=options.batch,
        half=options.half,
        compiled=options.compiled,
    )


def read_one(path: Path, spec: ExtractionSpec, *, name: str) -> VideoFeatures:
    """Decode one video in the thread's limited child and embed it.

    Args:
        path: The video.
        spec: What to do.
        name: What an error calls the video.

    Raises:
        VideoReadError: If the video gives no features; it has the status of the failure.
        BugError: If an exception of our own is to blame.
    """
    try:
        before = identify(path)
        video_id = content_id(path)
        (found,) = read_features(
            thread_decoder(), path, os.fsencode(path), video_id, before, [spec]
        )
    except VideoError as error:
        found = error
    if isinstance(found, VideoError):
        raise _as_users_error(found, name) from found
    return found


def _as_users_error(error: VideoError, name: str) -> VideoReadError | BugError:
    message = str(error)
    if error.status is Status.CRASHED and message.startswith(UNEXPECTED):
        hint = "please report it with the traceback in `error.trace`"
        return BugError(message.removeprefix(UNEXPECTED), trace=error.stderr, hint=hint)
    label = error.status.label
    hint = _HINTS.get(error.status, _AGAIN if error.status.is_retried else _NEVER)
    return VideoReadError(f"{name}: {label}: {message}", status=label, hint=hint)
