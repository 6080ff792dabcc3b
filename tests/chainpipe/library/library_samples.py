"""A small library: clips of moving patterns, its store by a tiny backbone, and a model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import chainpipe
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.retrieval.codes import Codes, read_codes
from chainpipe.hashing.retrieval.encode import encode_store
from chainpipe.library.update import UpdateOptions, UpdateReport, update_library
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.store import open_store
from tests.pipeline.extraction.test_extract import Tiny, clips, options, tiny, videos

__all__ = ["Home", "clips", "home", "options", "tiny", "videos"]


class Home:
    """A library with four videos, its store and a model of 16 bits; nothing waits."""

    def __init__(self, videos: Path, clips: Path, options: ExtractOptions, tiny: Tiny) -> None:
        self.videos, self.clips, self.tiny = videos, clips, tiny
        self.store = options.out
        self.model = self.store.parent / "models" / "m"
        extract(options, backbone=tiny)
        chainpipe.train(self.store, bits=16, method="lsh", out=self.model)

    def add(self, number: int, name: str) -> Path:
        """Copy one of the clips into the library."""
        place = self.videos / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.clips / f"{number}.mp4", place)
        return place

    def update(self, **changed: object) -> UpdateReport:
        """Update the library; check that its codes are those of a whole encoding."""
        asked = UpdateOptions(settle=0, workers=1, **changed)  # type: ignore[arg-type]
        report = update_library(self.store, asked, backbone=self.tiny)
        self.check_codes()
        return report

    def check_codes(self) -> Codes:
        """Compare the codes file with a whole encoding."""
        found = read_codes(self.model / "codes.npz")
        with open_store(self.store) as store:
            facts, hasher = load_hasher(self.model)
            wanted = encode_store(store, facts, hasher)
        assert np.array_equal(found.packed, wanted.packed)
        assert tuple(found.paths) == tuple(wanted.paths)
        assert (found.origin, found.table_sha256) == (wanted.origin, wanted.table_sha256)
        assert np.array_equal(found.video_ids, wanted.video_ids)
        assert np.array_equal(found.labels, wanted.labels)
        return found

    def paths(self) -> list[str]:
        """Name the rows of the store."""
        with open_store(self.store) as store:
            return [os.fsdecode(path) for path in store.videos.paths]


@pytest.fixture
def home(videos: Path, clips: Path, options: ExtractOptions, tiny: Tiny) -> Home:
    return Home(videos, clips, options, tiny)
