"""Run an ffmpeg program on an untrusted file: only that file is read, output is bounded."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from ...options import DecodeLimits
from ...records import Status, VideoError
from ...records.enums import STDERR_LIMIT
from ..demux.container import FORMATS, Heartbeat

PR_SET_PDEATHSIG = 1
READ = 1 << 20
WAIT_SECONDS = 0.5
Sink = Callable[[bytes], None]


@cache
def ffmpeg_program() -> str:
    """Return the system's ffmpeg, else the one that comes with imageio-ffmpeg."""
    if found := shutil.which("ffmpeg"):
        return found
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def die_with_parent() -> None:
    """Let the kernel end this process when its parent ends, whatever ends that."""
    if sys.platform == "linux":
        # The kernel kills the child even if its parent is killed and cannot clean up.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def at_most(which: int, most: float) -> tuple[int, int]:
    """Return a resource limit that is no higher than its hard one, and that one.

    Args:
        which: Such as ``resource.RLIMIT_CPU``.
        most: Infinity for none.
    """
    hard = resource.getrlimit(which)[1]
    ceiling = math.inf if hard == resource.RLIM_INFINITY else hard
    least = min(most, ceiling)
    return resource.RLIM_INFINITY if math.isinf(least) else math.ceil(least), hard


def input_arguments(
    path: Path, limits: DecodeLimits, hwaccel: str, *, autorotate: bool
) -> list[str]:
    """Return the program and what it may open and how.

    A stream that changes amid must not start its filters anew: they count its frames. And without
    `-copyts` the program mends clocks that start anew.
    """
    return [
        ffmpeg_program(),
        "-hide_banner",
        "-nostdin",
        "-nostats",
        "-loglevel",
        "error",
        "-threads",
        "1",
        "-filter_threads",
        "1",
        *(["-hwaccel", hwaccel] if hwaccel else []),
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        FORMATS,
        "-max_pixels",
        str(limits.pixels),
        *([] if autorotate else ["-noautorotate"]),
        "-reinit_filter",
        "0",
        "-i",
        f"file:{os.fspath(path.absolute())}",
    ]


def run_program(
    command: Sequence[str], sinks: Sequence[tuple[Sequence[str], Sink]], heartbeat: Heartbeat
) -> str:
    """Run a program with several outputs and return what it said on stderr.

    Args:
        command: Up to its inputs.
        sinks: For each output its arguments, and who takes its bytes.
        heartbeat: Called while there is output; knows how much CPU time there is.

    Raises:
        VideoError: ``LIMIT`` if it needs too much CPU time or memory, ``CRASHED`` if it dies;
            what a sink raises ends the program too.
    """
    with ExitStack() as stack:
        reads: dict[int, Sink] = {}
        arguments, passed = list(command), []
        for wish, sink in sinks:
            end, start = os.pipe()
            reads[end] = sink
            passed.append(start)
            arguments += [*wish, f"pipe:{start}"]
            stack.callback(os.close, end)
        seconds, _ = at_most(resource.RLIMIT_CPU, max(1.0, heartbeat.left()))
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=passed,
            preexec_fn=lambda: _limit_child(seconds),
        )
        for start in passed:
            os.close(start)
        stack.callback(_end, process)
        assert process.stderr
        words = _Tail()
        reads[process.stderr.fileno()] = words
        _pump(reads, heartbeat)
        _check_exit(process.wait(), " ".join(arguments), words.text)
        return words.text


def _limit_child(seconds: int) -> None:
    """Let the kernel hold the program's CPU limit, and end it with its parent."""
    die_with_parent()
    # At a limit that is not its hard one, ffmpeg ends as if that were all of the video.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


class _Tail:
    """The last bytes of a stream."""

    def __init__(self) -> None:
        self._buffer = b""

    def __call__(self, data: bytes) -> None:
        self._buffer = (self._buffer + data)[-STDERR_LIMIT:]

    @property
    def text(self) -> str:
        return self._buffer.decode(errors="replace").strip()


def _pump(reads: dict[int, Sink], heartbeat: Heartbeat) -> None:
    """Hand on all bytes until every pipe is at its end."""
    with selectors.DefaultSelector() as waiting:
        for end in reads:
            waiting.register(end, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(WAIT_SECONDS):
                data = os.read(key.fd, READ)
                heartbeat()
                if data:
                    reads[key.fd](data)
                else:
                    waiting.unregister(key.fd)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stderr:
        process.stderr.close()


def _check_exit(code: int, command: str, words: str) -> None:
    """Raise if the program was killed; its exit code is no health check otherwise."""
    if code >= 0:
        return
    status = Status.LIMIT if code == -signal.SIGKILL else Status.CRASHED
    message = f"ffmpeg ended with {signal.Signals(-code).name}"
    raise VideoError(status, message, command=command, stderr=words)
