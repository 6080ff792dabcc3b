"""Playlists under a video's name: nothing else is read, nobody is called."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.records import Frames, Reader, Status
from tests.faults.campaign import Campaign, counts
from tests.faults.clips import draw
from tests.faults.conftest import MakeCampaign
from tests.faults.hostile import plant
from tests.faults.watching import read


class Listener:
    """A port of this machine that counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.calls += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def programs(folder: Path) -> dict[str, Path]:
    """Return folders for PATH: with the wheel's ffmpeg, and with the system's if there is one."""
    found = {"newest": imageio_ffmpeg.get_ffmpeg_exe(), "system": shutil.which("ffmpeg")}
    for name, program in found.items():
        if program:
            (folder / name).mkdir()
            (folder / name / "ffmpeg").symlink_to(program)
    return {name: folder / name for name, program in found.items() if program}


def is_canary(got: Frames) -> bool:
    """Tell whether a picture is magenta all over."""
    red, green, blue = (got.pixels[..., colour] for colour in range(3))
    magenta = (red > 200) & (green < 60) & (blue > 200)
    return bool((magenta.mean(axis=(1, 2)) > 0.9).any())


def check_all(
    worker: DecodeWorker, folder: Path, listener: Listener, reader: str, found: Campaign
) -> Reader:  # fmt: skip
    """Read all hostile files; return which reader read a plain clip."""
    playlists, videos = plant(folder, listener.port)
    clip = draw(folder / "plain.mp4")
    request = FrameRequest(frames=3, size=32, reader=reader)
    plain = worker.read(clip, request)
    assert not is_canary(plain)
    assert is_canary(worker.read(folder / "canary.mp4", request))
    for file in playlists:
        calls, got = listener.calls, read(worker, file, request)
        refused = got in (Status.REFUSED, Status.CORRUPT)
        found.check(refused and calls == listener.calls, (reader, file.name, got))
    for file in videos:
        calls, got = listener.calls, read(worker, file, request)
        own = isinstance(got, Status) or np.array_equal(got.pixels, plain.pixels)
        found.check(own and calls == listener.calls, (reader, file.name, got))
    return plain.reader


@counts("playlists")
def test_no_reader_opens_what_a_playlist_names(
    tmp_path: Path, listener: Listener, campaign: MakeCampaign, count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with campaign("playlists", count) as found:
        with DecodeWorker() as worker:
            (tmp_path / "built-in").mkdir()
            used = check_all(worker, tmp_path / "built-in", listener, "auto", found)
            assert used is Reader.EXACT
        path = os.environ["PATH"]
        for name, place in programs(tmp_path).items():
            monkeypatch.setenv("PATH", f"{place}{os.pathsep}{path}")
            with DecodeWorker() as worker:
                (tmp_path / f"{name}-files").mkdir()
                used = check_all(worker, tmp_path / f"{name}-files", listener, "ffmpeg", found)
            assert used is Reader.FFMPEG, "the ffmpeg program was not asked"
        found.add("readers", 1 + len(programs_there(tmp_path)))
        found.add("connections", listener.calls)


def programs_there(folder: Path) -> list[str]:
    return [name for name in ("newest", "system") if (folder / name).exists()]
