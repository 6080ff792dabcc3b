"""Extractions inside the test's own process, with the backbone of no weight."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.report import ExtractReport
from chainpipe.pipeline.records import Status
from chainpipe.pipeline.store import open_store
from tests.faults.runner import Quarters


def run(videos: Path, out: Path, **options: Any) -> ExtractReport:
    """Extract, one worker, three frames, unless told otherwise."""
    asked = {"frames": 3, "workers": 1, **options}
    return extract(ExtractOptions.of(videos, out, **asked), backbone=Quarters())


def statuses(videos: Path, out: Path, **options: Any) -> dict[bytes, Status]:
    """Extract; return what became of each path, whether it has a row or not."""
    report = run(videos, out, **options)
    with open_store(out) as store:
        status = (Status(number) for number in store.videos.status.tolist())
        ended = dict(zip(store.videos.paths, status, strict=True))
    assert not ended.keys() & {video.path for video in report.failed}
    return ended | {video.path: video.status for video in report.failed}


def contents(out: Path) -> dict[bytes, tuple[bytes, bytes]]:
    """Return the content's hash and the features of each path."""
    with open_store(out) as store:
        assert list(store.damage()) == []
        rows = zip(store.videos.paths, store.videos.ids, store.features(slice(None)), strict=True)
        return {path: (one.tobytes(), features.tobytes()) for path, one, features in rows}


def alone(file: Path, folder: Path) -> tuple[bytes, bytes] | None:
    """Return hash and features of one file that is extracted by itself, ``None`` if it fails."""
    videos = folder / "alone"
    videos.mkdir(parents=True)
    os.link(file, videos / "one.mp4")
    try:
        run(videos, folder / "alone.h5")
    except ChainpipeError:
        return None
    return contents(folder / "alone.h5")[b"one.mp4"]
