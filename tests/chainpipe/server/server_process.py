"""A real server process, and requests to it without a client library."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chainpipe import command

DEADLINE = 180  # seconds for a process on a busy machine


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


def run(home: Path, *words: object, code: int = 0) -> Done:
    """Run a command in a folder, in this process, and check its exit code."""
    out, told = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(home),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(told),
    ):
        found = command.run([str(word) for word in words])
    assert found == code, told.getvalue()
    return Done(out.getvalue(), told.getvalue())


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The word of a refusal."""
        return str(self.json["error"]["code"])


def form(content: bytes, name: str = "clip.mp4", **fields: object) -> tuple[bytes, str]:
    """Return a form with a file and its content type."""
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
    parts.append(f"--{boundary}\r\n{head}\r\nContent-Type: video/mp4\r\n\r\n".encode())
    parts.append(content + f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


class Server:
    """``chainpipe serve`` as a process on a free port.

    Args:
        home: Working folder.
        words: Further options.
    """

    def __init__(self, home: Path, *words: object) -> None:
        options = ["serve", "feats.h5", "--port", 0, *words]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chainpipe", *map(str, options)],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": str(home)},
        )
        self.said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.said
        self.port = urlsplit(self.url).port
        self.replies: list[Reply] = []

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def stop(self, number: signal.Signals) -> int:
        """Send a signal; return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE)
        self._listener.join(DEADLINE)
        return code

    def ask(
        self, path: str, body: bytes | None = None, *, method: str = "", **headers: str
    ) -> Reply:
        """Send one request; underscores in names of headers are hyphens."""
        assert self.port is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method or ("GET" if body is None else "POST"), path, body, named)
        answer = connection.getresponse()
        reply = Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        self.replies.append(reply)
        return reply

    def send(self, path: str, content: bytes, name: str = "clip.mp4", **fields: object) -> Reply:
        """Upload a file."""
        body, kind = form(content, name, **fields)
        return self.ask(path, body, Content_Type=kind)

    def post(self, path: str, content: object) -> Reply:
        """Send JSON."""
        return self.ask(path, json.dumps(content).encode(), Content_Type="application/json")

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(self.process.stderr)
