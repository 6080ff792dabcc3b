"""A decoder that survives its videos: the work is done in a limited child process."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...options import DecodeLimits
from ...records import Frames, Status, StreamedFrames, VideoError
from ...records.enums import UNEXPECTED
from ..base import FrameRequest, TakePicture
from ..frame_sampling import SAMPLERS
from .wire_format import unpack, unpack_streamed

ReceivedT = TypeVar("ReceivedT")

MAX_LINE_BYTES = 1 << 16  # bytes that an answer's first line may have
READ = 1 << 20
ERROR_FIELDS = "message", "command", "stderr"


class DecodeWorker:
    """One decode child, started when first needed and replaced when a video breaks it.

    A worker belongs to one thread: the kernel ends the child when that thread ends.

    Attributes:
        limits: What one video may cost.
        cpu_seconds: CPU time that the videos took so far.
    """

    def __init__(self, limits: DecodeLimits | None = None) -> None:
        self.limits = limits or DecodeLimits()
        self.cpu_seconds = 0.0
        self._child: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None

    def read(self, path: Path, request: FrameRequest) -> Frames:
        """Decode the asked frames of one file in the child.

        Raises:
            VideoError: If the file gives no frames, breaks the child (``CRASHED``), hangs it
                (``TIMEOUT``) or goes over a limit (``LIMIT``).
        """
        return self.read_sizes(path, request, (request.size,))[0]

    def read_sizes(
        self, path: Path, request: FrameRequest, sizes: Sequence[int]
    ) -> tuple[Frames, ...]:
        """Decode the asked frames of one file once for several output sizes.

        Raises:
            VideoError: As :meth:`read` does.
        """

        def receive(response: _ResponseReader, facts: dict[str, Any]) -> tuple[Frames, ...]:
            pairs = zip(facts["clips"], sizes, strict=True)
            return tuple(unpack(clip, response.take, request, size) for clip, size in pairs)

        return self._exchange(path, request, sizes, receive)

    def stream(
        self, path: Path, request: FrameRequest, sizes: Sequence[int], take: TakePicture
    ) -> StreamedFrames:
        """Decode once in the child and hand on each picture as it comes; see ``Decoder``.

        Raises:
            VideoError: As :meth:`read` does.
        """
        pictures = _Pictures(sizes, take)

        def receive(response: _ResponseReader, facts: dict[str, Any]) -> StreamedFrames:
            (clip,) = facts["clips"]
            return unpack_streamed(clip, response.take, pictures.count)

        return self._exchange(path, request, sizes, receive, pictures)

    def _exchange(
        self,
        path: Path,
        request: FrameRequest,
        sizes: Sequence[int],
        receive: Callable[[_ResponseReader, dict[str, Any]], ReceivedT],
        pictures: _Pictures | None = None,
    ) -> ReceivedT:
        """Ask the child and return what ``receive`` makes of its answer."""
        child = self._started()
        try:
            self._send_request(child, path, request, sizes, streamed=pictures is not None)
            return self._receive_response(child, receive, pictures)
        except _ChildDiedError:
            raise self._death_error(child) from None
        except _ProtocolError as error:
            self.close()
            words = f"{UNEXPECTED}answer of the decode child: {error}"
            said = "".join(traceback.format_exception(error))
            raise VideoError(Status.CRASHED, words, command="decode child", stderr=said) from error
        except VideoError as error:
            if error.status in (Status.TIMEOUT, Status.LIMIT):
                self.close()
            raise
        except BaseException:
            self.close()  # its answer is half read
            raise

    def interrupt(self) -> None:
        """End the child from another thread; a read that is under way fails as ``CRASHED``."""
        child = self._child
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child and everything it started."""
        self.interrupt()
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout, self._said):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        child.wait()

    def __enter__(self) -> DecodeWorker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            limits = json.dumps(asdict(self.limits))
            plugins = {plugin.spec for plugin in SAMPLERS.plugins().values()} - {""}
            # -P: `pipeline/` or `av.py` in the working directory must not be imported.
            module = ["-P", "-m", "chainpipe.pipeline.decode.sandbox.child"]
            parent, specs = str(os.getpid()), json.dumps(sorted(plugins))
            command = [sys.executable, *module, limits, parent, specs]
            self._said = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the child
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
                env=_environment(),
                bufsize=0,
            )
        return self._child

    def _send_request(
        self,
        child: subprocess.Popen[bytes],
        path: Path,
        request: FrameRequest,
        sizes: Sequence[int],
        *,
        streamed: bool,
    ) -> None:
        name = base64.b64encode(os.fsencode(path.absolute())).decode()
        asked = {"path": name, "sizes": list(sizes), "streamed": streamed, **asdict(request)}
        assert child.stdin
        try:
            child.stdin.write(json.dumps(asked).encode() + b"\n")
        except BrokenPipeError:
            raise _ChildDiedError from None

    def _receive_response(
        self,
        child: subprocess.Popen[bytes],
        receive: Callable[[_ResponseReader, dict[str, Any]], ReceivedT],
        pictures: _Pictures | None,
    ) -> ReceivedT:
        response = _ResponseReader(child, self.limits.silence_seconds)
        line = response.line() if pictures is None else pictures.read(response)
        try:
            facts = json.loads(line)
            self.cpu_seconds += float(facts["cpu"])
            status = Status(facts["status"])
            if status.has_row:
                return receive(response, facts)
            message, command, stderr = (str(facts[name]) for name in ERROR_FIELDS)
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise _ProtocolError(repr(error)) from error
        raise VideoError(status, message, command=command, stderr=stderr)

    def _words(self) -> str:
        """Return what the child said before it was ready, which is why it did not become so."""
        if self._said is None:
            return ""
        self._said.seek(0)
        return self._said.read().decode(errors="replace").strip()

    def _death_error(self, child: subprocess.Popen[bytes]) -> VideoError:
        """Say what the child died of; the next video gets a new one."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        code, said = child.returncode, self._words()
        self.close()
        if code == -signal.SIGXCPU:
            return VideoError(Status.LIMIT, "takes more CPU time than a video may")
        if said and code and code > 0:  # an exception of our own, before any video was opened
            words = f"{UNEXPECTED}{said.splitlines()[-1]}"
            return VideoError(Status.CRASHED, words, command="decode child", stderr=said)
        died = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
        return VideoError(
            Status.CRASHED, f"the decode child ended with {died}", command="decode child"
        )


class _ChildDiedError(Exception):
    """The child closed its end of the pipe."""


class _ProtocolError(Exception):
    """The child answered, but not what was asked."""


class _ResponseReader:
    """Reads a child's answer; every byte must come within the silence limit."""

    def __init__(self, child: subprocess.Popen[bytes], silence: float) -> None:
        assert child.stdout
        self._fd, self._silence, self._buffer = child.stdout.fileno(), silence, bytearray()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN | select.POLLHUP)

    def line(self) -> bytes:
        """Return the next line that is not empty."""
        while True:
            end = self._buffer.find(b"\n")
            if end > 0:
                return bytes(self._consume(end + 1))
            if end == 0:
                self._consume(1)
            elif len(self._buffer) > MAX_LINE_BYTES:
                raise _ProtocolError("a line without end")
            else:
                self._read_more()

    def take(self, count: int) -> bytes:
        """Return exactly ``count`` bytes."""
        while len(self._buffer) < count:
            self._read_more()
        return bytes(self._consume(count))

    def _consume(self, count: int) -> bytearray:
        piece = self._buffer[:count]
        del self._buffer[:count]
        return piece

    def _read_more(self) -> None:
        end = time.monotonic() + self._silence
        while not self._poll.poll(max(0.0, end - time.monotonic()) * 1000):
            if time.monotonic() >= end:
                words = f"no sign of life for {self._silence:g} s"
                raise VideoError(Status.TIMEOUT, words)
        data = os.read(self._fd, READ)
        if not data:
            raise _ChildDiedError
        self._buffer += data


class _Pictures:
    """Takes the pictures of a streamed answer and counts them."""

    def __init__(self, sizes: Sequence[int], take: TakePicture) -> None:
        self._sizes, self._take, self.count = sizes, take, 0

    def read(self, response: _ResponseReader) -> bytes:
        """Hand on all pictures; return the line behind the last."""
        while (line := response.line()).startswith(b'{"picture"'):
            try:
                width, height = (int(side) for side in json.loads(line)["picture"])
            except (LookupError, RecursionError, TypeError, ValueError) as error:
                raise _ProtocolError(repr(error)) from error
            self._take([self._square(response, side) for side in self._sizes], (width, height))
            self.count += 1
        return line

    @staticmethod
    def _square(response: _ResponseReader, side: int) -> npt.NDArray[np.uint8]:
        return np.frombuffer(response.take(side * side * 3), np.uint8).reshape(side, side, 3)


def _environment() -> dict[str, str]:
    """One thread for every library; modules come from where ours do."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    root = str(Path(__file__).parents[4])
    known = os.environ.get("PYTHONPATH")
    return os.environ | one | {"PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root}
