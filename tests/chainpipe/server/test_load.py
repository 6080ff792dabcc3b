"""A server under load, and uploads that are hostile, too large, too many or too slow."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn
from fastapi import Request

from chainpipe.server import connections
from chainpipe.server.gate import Gate
from chainpipe.server.json_bodies import json_body
from chainpipe.server.limits import ServerLimits
from chainpipe.server.listening import listening_socket
from chainpipe.server.problems import RequestProblem
from chainpipe.server.stopping import answering_when_stopped
from chainpipe.server.uploads import received_upload
from tests.chainpipe.server.server_process import Server, form
from tests.faults.test_bombs import hidden_pixels

SEARCHES, GOOD = 100, 15
GROWTH = 150_000_000  # bytes of memory


def hostile_files(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return files by name with the status that they get."""
    whole = (folder / "clips/5.mp4").read_bytes()
    (folder / "bombs/videos").mkdir(parents=True, exist_ok=True)
    bomb = folder / "bombs/videos/bomb"
    if not bomb.with_suffix(".mov").exists():
        hidden_pixels(bomb)
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    return {
        "text.mp4": (b"no video at all\n" * 50, 422),
        "cut.mp4": (whole[: len(whole) // 3], 422),
        "bomb.mov": (bomb.with_suffix(".mov").read_bytes(), 422),
        "list.m3u8": (playlist, 422),
        "large.mp4": (random.Random(0).randbytes(1_000_001), 413),
    }


def test_a_hundred_searches_and_twenty_uploads(shelf: Path, server: Server) -> None:
    good = (shelf / "clips/5.mp4").read_bytes()
    bad = hostile_files(shelf)
    alone = server.send("/search", good, "5.mp4", k=3).json
    rows = [server.ask(f"/search?row={row}&k=3").json for row in range(6)]
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with ThreadPoolExecutor(SEARCHES + 20) as pool:
        searches = [pool.submit(server.ask, f"/search?row={n % 6}&k=3") for n in range(SEARCHES)]
        uploads = [pool.submit(server.send, "/search", good, "5.mp4", k=3) for _ in range(GOOD)]
        hostile = {name: pool.submit(server.send, "/search", *_sent(bad, name)) for name in bad}
        assert [one.result().json for one in searches] == [rows[n % 6] for n in range(SEARCHES)]
        assert [one.result().json for one in uploads] == [alone] * GOOD
        for name, one in hostile.items():
            assert (name, one.result().status) == (name, bad[name][1])
    assert process.memory_info().rss - before < GROWTH
    assert process.children(recursive=True) == [] or _ended(process)
    assert list(shelf.glob("chainpipe-serve-*/uploads/*")) == []
    assert server.ask("/healthz").status == 200


def _sent(files: dict[str, tuple[bytes, int]], name: str) -> tuple[bytes, str]:
    return files[name][0], name


def _ended(process: psutil.Process) -> bool:
    deadline = time.monotonic() + 20
    while process.children(recursive=True) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not process.children(recursive=True)


def begin_upload(server: Server, *headers: str) -> socket.socket:
    """Send the head of an upload and the start of its file, and no more."""
    assert server.port is not None
    connection = socket.create_connection(("127.0.0.1", server.port))
    body, kind = form(b"x" * 1000)
    head = f"POST /encode HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    connection.sendall((head + "".join(f"{one}\r\n" for one in headers) + "\r\n").encode())
    connection.sendall(
        b"%x\r\n%s\r\n" % (500, body[:500]) if headers[0].startswith("T") else body[:500]
    )
    return connection


def test_too_many_uploads_are_asked_to_come_again(shelf: Path) -> None:
    with Server(shelf, "--no-build", "--no-look", "--max-uploads", 1, "--workers", 1) as server:
        held = begin_upload(server, "Content-Length: 2000")
        deadline = time.monotonic() + 60
        while (reply := server.send("/encode", b"x")).status != 429 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "busy", "1")
        assert server.ask("/search?row=0").status == 200  # searches have room of their own
        held.close()  # who goes away makes room
        while (reply := server.send("/encode", b"x")).status == 429 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert reply.status == 422
        assert "Traceback" not in "".join(server.said)
        assert list(shelf.glob("chainpipe-serve-*/uploads/*")) == []


def test_a_stream_without_a_length_is_ended(server: Server) -> None:
    held = begin_upload(server, "Transfer-Encoding: chunked")
    try:
        for _ in range(200):
            held.sendall(b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536))
    except OSError:
        pass  # it was ended
    else:
        pytest.fail("the server took 13 MB")
    finally:
        held.close()
    assert server.ask("/healthz").status == 200


def test_a_declared_length_is_refused_at_once(server: Server) -> None:
    held = begin_upload(server, "Content-Length: 99999999999")
    held.settimeout(60)
    assert b" 413 " in held.recv(4096)
    held.close()


def test_a_slow_upload_is_ended(tmp_path: Path) -> None:
    body, kind = form(b"x" * 1000)

    async def receive_slowly() -> None:
        first = iter([{"type": "http.request", "body": body[:100], "more_body": True}])

        async def receive() -> dict[str, object]:
            for message in first:
                return message
            await asyncio.sleep(30)
            raise AssertionError("it waited")

        headers = [(b"content-type", kind.encode())]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        async with received_upload(request, tmp_path, ServerLimits(silence=0.05)):
            pass

    with pytest.raises(RequestProblem) as told:
        asyncio.run(receive_slowly())
    assert (told.value.status, told.value.code) == (408, "too_slow")
    assert list(tmp_path.iterdir()) == []


def test_a_slow_json_body_is_ended() -> None:
    async def receive() -> dict[str, object]:
        await asyncio.sleep(30)
        raise AssertionError("it waited")

    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(RequestProblem) as told:
        asyncio.run(json_body(request, ServerLimits(silence=0.05)))
    assert (told.value.status, told.value.code) == (408, "too_slow")


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: 127."])
def test_a_connection_without_a_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD", 0.2)
    with listening_socket("127.0.0.1", 0) as opened, serving(opened):
        held = socket.create_connection(opened.getsockname(), timeout=60)
        answered = socket.create_connection(opened.getsockname(), timeout=60)
        answered.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 204 " in answered.recv(4096)
        for one in (held, answered):
            one.sendall(begun)
            if begun or one is held:
                assert one.recv(4096) == b""
            one.close()


def test_a_client_that_takes_no_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "TAKING", 0.2)
    with listening_socket("127.0.0.1", 0) as opened, serving(opened, size=50_000_000) as ended:
        held = socket.create_connection(opened.getsockname(), timeout=60)
        held.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended.wait(60)
        held.close()


@contextmanager
def serving(opened: socket.socket, *, size: int = 0) -> Iterator[threading.Event]:
    """Serve an answer of some bytes in a thread; tells when one was ended."""
    ended = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        start = {"type": "http.response.start", "status": 200 if size else 204, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b"x" * size})
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    config = uvicorn.Config(
        app, http=connections.TimedConnection, lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        yield ended
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def test_a_request_that_is_cut_off_is_told_so() -> None:
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(30)

    async def send(message: Any) -> None:
        told.append(message)

    async def cut_off() -> None:
        one = asyncio.create_task(answering_when_stopped(app)({"type": "http"}, app, send))
        await asyncio.sleep(0.01)
        one.cancel()
        await one

    asyncio.run(cut_off())
    assert told[0]["status"] == 503
    assert json.loads(told[1]["body"])["error"]["code"] == "stopping"


def test_a_gate_bounds_what_runs_and_what_waits() -> None:
    running, most, refused = 0, 0, 0

    async def visit(gate: Gate) -> None:
        nonlocal running, most, refused
        try:
            async with gate.enter(), gate.turn():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.01)
                running -= 1
        except RequestProblem as problem:
            refused += problem.status == 429

    async def visit_all() -> None:
        gate = Gate("visits", running=2, inside=5)
        await asyncio.gather(*(visit(gate) for _ in range(9)))
        await visit(gate)

    asyncio.run(visit_all())
    assert (most, refused) == (2, 4)
