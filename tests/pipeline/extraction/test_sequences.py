"""Frames per time, from end to end: real films, real decoding, memory that does not grow."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.console import Console
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.estimate import estimate
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.repair_store import repair
from chainpipe.pipeline.options import DecodeLimits
from chainpipe.pipeline.records import Blank, Reader, Status, VideoError
from chainpipe.pipeline.store import open_store, parts_of, verify
from tests.pipeline.conftest import MakeClip
from tests.pipeline.extraction.test_extract import Tiny, tiny
from tests.pipeline.store.store_samples import alter, everything

__all__ = ["tiny"]  # a fixture

EVERY = 0.5
READERS = ("exact", "linear", "ffmpeg")


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> Path:
    """A film of a minute, a clip of two seconds, a raw stream, and one file twice."""
    folder = tmp_path_factory.mktemp("films")
    make_clip(folder / "film.mp4", "-g", "30", seconds=60)
    make_clip(folder / "clip.mkv", seconds=2)
    make_clip(folder / "raw.h264", seconds=3, rate="25")
    shutil.copy(folder / "film.mp4", folder / "same.mp4")
    return folder


def asked(films: Path, out: Path, **settings: object) -> ExtractOptions:
    return ExtractOptions.of(films, out, every=EVERY, workers=1).changed(**settings)


@pytest.mark.parametrize("name", ["feats.h5", "feats.zarr"])
def test_each_video_has_a_frame_for_each_step(
    films: Path, tmp_path: Path, tiny: Tiny, name: str
) -> None:
    report = extract(asked(films, tmp_path / name), backbone=tiny)
    assert (report.exit_code, report.decoded, report.copied) == (0, 3, 1)
    limits = DecodeLimits()
    with open_store(tmp_path / name) as store:
        for row, path in enumerate(store.videos.paths):
            found = store.sequence(row)
            # A plain second way: decode all frames and take those on the screen at each moment.
            total = int(store.videos.frames[row])
            whole = read_video(films / path.decode(), FrameRequest(total, size=32), limits)
            moments = np.arange(EVERY / 2, store.videos.duration[row], EVERY)
            wanted = [int((whole.seconds <= moment + 1e-6).sum()) - 1 for moment in moments]
            assert found.index.tolist() == wanted
            assert np.array_equal(found.seconds, whole.seconds[wanted])
            expected = tiny.embed(whole.pixels[wanted]).astype("f2")
            assert np.array_equal(found.features, expected)
        assert [len(store.sequence(row).index) for row in range(4)] == [4, 120, 6, 120]
        assert set(store.videos.status.tolist()) == {int(Status.OK)}
        assert store.videos.reader.tolist()[2] == int(Reader.LINEAR)
        assert set(store.videos.blank.tolist()) == {int(Blank.NONE)}
    assert extract(asked(films, tmp_path / name), backbone=tiny).written is False


def streamed(path: Path, reader: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pictures, seconds and numbers of a stream."""
    pictures: list[np.ndarray] = []
    request = FrameRequest(25, every=EVERY, reader=reader)
    with DecodeWorker() as worker:
        frames = worker.stream(path, request, [32], lambda some, _: pictures.append(some[0]))
    return np.stack(pictures)[frames.places], frames.seconds, frames.index


def test_all_readers_give_the_same_frames(films: Path) -> None:
    found = {reader: streamed(films / "film.mp4", reader) for reader in READERS}
    for reader in ("linear", "ffmpeg"):
        assert np.array_equal(found[reader][2], found["exact"][2])
        assert np.allclose(found[reader][1], found["exact"][1])
    assert np.array_equal(found["linear"][0], found["exact"][0])


def test_pictures_come_before_the_film_is_through(films: Path) -> None:
    """What is handed on is forgotten: the child never holds a film's pictures."""

    class EnoughError(Exception):
        pass

    seen = []

    def take(pictures: object, shape: tuple[int, int]) -> None:
        seen.append(shape)
        if len(seen) == 3:
            raise EnoughError

    with DecodeWorker() as worker:
        with pytest.raises(EnoughError):
            worker.stream(films / "film.mp4", FrameRequest(1, every=EVERY), [32], take)
        assert seen == [(64, 48)] * 3
        again = worker.read(films / "clip.mkv", FrameRequest(2, size=32))  # a new child
        assert len(again.index) == 2
        with pytest.raises(VideoError) as caught:
            worker.stream(films / "none.mp4", FrameRequest(1, every=EVERY), [32], take)
        assert caught.value.status is Status.UNREADABLE


def test_a_damaged_film_is_extracted_again_alone(films: Path, tmp_path: Path, tiny: Tiny) -> None:
    out = tmp_path / "feats.h5"
    extract(asked(films, out), backbone=tiny)
    with open_store(out) as store:
        good, features = everything(store), store.sequence(2).features[:3]
    alter(out, features)
    assert any("row 2 " in line for line in verify(out))
    assert repair(out, backbone=tiny).repaired == (b"raw.h264",)
    with open_store(out) as store:
        assert everything(store) == good


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"every": -1.0}, "`every` is -1"),
        ({"every": float("nan")}, "`every` is nan"),
        ({"per_segment": 2}, "no segments"),
        ({"sampling": "random"}, "no segments"),
        ({"views": 1}, "no augmented views"),
    ],
)
def test_what_makes_no_sense_is_refused(
    films: Path, tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        asked(films, tmp_path / "feats.h5", **settings)


def test_other_steps_are_another_store(films: Path, tmp_path: Path, tiny: Tiny) -> None:
    extract(asked(films, tmp_path / "feats.h5"), backbone=tiny)
    with pytest.raises(UsageError, match=r"every: 0\.5 / 1\.0"):
        extract(asked(films, tmp_path / "feats.h5", every=1.0), backbone=tiny)


KILLED = """
import sys, time
from pathlib import Path
from chainpipe.pipeline.extraction import output
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from tests.pipeline.extraction.test_extract import Tiny
output.SHARD_VIDEOS = 1
tiny = Tiny()
tiny.before = lambda: time.sleep(0.5)
folder, out = map(Path, sys.argv[1:])
extract(ExtractOptions.of(folder, out, every=0.5, workers=1), backbone=tiny)
"""


@pytest.mark.parametrize("name", ["feats.h5", "feats.zarr"])
def test_a_killed_extraction_goes_on_and_ends_the_same(
    films: Path, tmp_path: Path, tiny: Tiny, name: str
) -> None:
    whole, out = tmp_path / "whole" / name, tmp_path / name
    whole.parent.mkdir()
    extract(asked(films, whole), backbone=tiny)
    command = [sys.executable, "-c", KILLED, str(films), str(out)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.getcwd()}) as running:
        end = time.monotonic() + 60
        while not any(parts_of(out).glob("shard-*.h5")) and time.monotonic() < end:
            time.sleep(0.02)
        running.kill()
    assert not out.exists()
    before = tiny.calls
    report = extract(asked(films, out), backbone=tiny)
    assert report.decoded < 3  # the clip, at least, was committed
    assert tiny.calls - before < before
    with open_store(whole) as first, open_store(out) as second:
        assert everything(first) == everything(second)
    assert not parts_of(out).exists()


def test_a_plan_counts_the_frames_of_what_it_reads(films: Path, tmp_path: Path) -> None:
    found = estimate(asked(films, tmp_path / "feats.h5"), console=Console(quiet=True))
    mean = round((4 + 120 + 6) / 3)  # the fourth has the bytes of another
    assert found.bytes_out == 4 * mean * 1280 * 2
