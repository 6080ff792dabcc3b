"""The decode child: one limited process that decodes one file after another.

It reads one JSON line for each file on stdin and answers on stdout with one JSON line, then bytes;
see ``pipeline.decode.sandbox.wire_format``. Nothing it says is ever unpickled. Empty lines mean
"still at work". It ends when stdin ends, and the kernel kills it when its parent dies.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import resource
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
import numpy.typing as npt

from ...options import DecodeLimits
from ...records import Status, VideoError, load_plugins, words_of
from ..base import FrameRequest
from ..readers.fallback import read_sizes, stream_frames
from ..readers.ffmpeg_process import at_most, die_with_parent
from .wire_format import Packed, pack, pack_streamed

HEARTBEAT_SECONDS = 1.0
OPEN_FILES = 64
SLACK = 60.0  # CPU seconds that the kernel waits longer than the child itself
MAX_COMMAND = 2000  # characters of a command line that are reported


def main() -> None:
    """Answer requests until stdin ends."""
    limits = DecodeLimits(**json.loads(sys.argv[1]))
    _bind_to_parent(int(sys.argv[2]))
    load_plugins(json.loads(sys.argv[3]))  # before the limits: a module may import much
    _limit(limits)
    responses = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what a library prints must not mix with the results
    os.dup2(nowhere, 2)  # up to here it was kept: why a child does not start
    for line in sys.stdin.buffer:
        _respond(json.loads(line), limits, responses)


def _bind_to_parent(parent: int) -> None:
    """Die with the parent, whatever kills it."""
    if sys.platform != "linux":  # only Linux's kernel does it
        threading.Thread(target=poll_parent, args=(parent,), daemon=True).start()
    die_with_parent()
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)


def poll_parent(parent: int) -> NoReturn:
    """End this process within a second of its parent's end."""
    while os.getppid() == parent:
        time.sleep(HEARTBEAT_SECONDS)
    os._exit(1)


def _limit(limits: DecodeLimits) -> None:
    for which, most in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        least = at_most(which, most)[0]
        # macOS refuses or ignores a limit of address space; `platform` says so to the user.
        with suppress(ValueError, OSError) if sys.platform != "linux" else nullcontext():
            resource.setrlimit(which, (least, least))


def _respond(request: dict[str, Any], limits: DecodeLimits, out: BinaryIO) -> None:
    path = Path(os.fsdecode(base64.b64decode(request.pop("path"))))
    sizes, streamed = tuple(request.pop("sizes")), request.pop("streamed")
    heartbeat = _Heartbeat(out, limits)
    before = cpu_seconds()
    try:
        asked = FrameRequest(**request)
        if streamed:
            take = partial(_write_picture, out)
            packed = [pack_streamed(stream_frames(path, asked, sizes, limits, take, heartbeat))]
        else:
            clips = read_sizes(path, asked, sizes, limits, heartbeat)
            packed = [pack(frames) for frames in clips]
    except VideoError as error:
        _write(out, _failure(error), before)
    except MemoryError:
        _write(out, _failure(_memory_error()), before)
    except OSError as error:
        _write(out, _failure(_of_system(error, path)), before)
    except Exception as error:  # one strange file must not cost the child
        _write(out, _failure(_unexpected(error)), before)
    else:
        _write(out, {"status": packed[0][0]["status"]}, before, packed)


def _of_system(error: OSError, path: Path) -> VideoError:
    """Return what the system refused: memory, the video, or something of ours."""
    # A thread or a process that cannot be started lacks memory, too.
    if error.errno in (errno.ENOMEM, errno.EAGAIN):
        return _memory_error()
    name = str(error.filename).removeprefix("file:")
    if error.filename is not None and name != str(path):
        return _unexpected(error)
    return VideoError(Status.UNREADABLE, error.strerror or str(error))


def _unexpected(error: Exception) -> VideoError:
    """Return an exception of our own, which is not the video's fault."""
    stderr_text = "".join(traceback.format_exception(error))
    return VideoError(Status.CRASHED, words_of(error), command="decode child", stderr=stderr_text)


def _memory_error() -> VideoError:
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return VideoError(Status.LIMIT, f"needs more than {most >> 20} MiB")


def _failure(error: VideoError) -> dict[str, Any]:
    facts = {"status": int(error.status), "message": str(error)[:MAX_COMMAND]}
    return facts | {"command": error.command[:MAX_COMMAND], "stderr": error.stderr}


class _Heartbeat:
    """Says "still at work" about once a second, and holds the video's own CPU limit."""

    def __init__(self, out: BinaryIO, limits: DecodeLimits) -> None:
        self._out, self._last = out, time.monotonic()
        self._least = cpu_seconds() + limits.cpu_seconds
        self.set_duration(0.0)

    def set_duration(self, seconds: float) -> None:
        """Allow half the video's duration beside what every video may take."""
        self._end = self._least + seconds / 2
        # The kernel's limit is the backstop for a decoder that never comes back.
        resource.setrlimit(resource.RLIMIT_CPU, at_most(resource.RLIMIT_CPU, self._end + SLACK))

    def left(self) -> float:
        """Return how many CPU seconds the video may still take."""
        return max(0.0, self._end - cpu_seconds())

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._last < HEARTBEAT_SECONDS:
            return
        self._last = now
        if not self.left():
            raise VideoError(Status.LIMIT, "takes more CPU time than a video may")
        self._out.write(b"\n")
        self._out.flush()


def cpu_seconds() -> float:
    """Return the CPU time of this process and its finished children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _write_picture(
    out: BinaryIO, pictures: Sequence[npt.NDArray[np.uint8]], shape: tuple[int, int]
) -> None:
    out.write(json.dumps({"picture": shape}).encode() + b"\n")
    for picture in pictures:
        out.write(np.ascontiguousarray(picture).data)


def _write(
    out: BinaryIO, facts: dict[str, Any], before: float, packed: Sequence[Packed] = ()
) -> None:
    facts |= {"cpu": cpu_seconds() - before, "clips": [line for line, _ in packed]}
    out.write(json.dumps(facts).encode() + b"\n")
    for _, arrays in packed:
        for array in arrays:
            out.write(np.ascontiguousarray(array).data)
    out.flush()


if __name__ == "__main__":
    main()
