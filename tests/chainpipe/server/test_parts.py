"""Parts of the server that requests do not easily reach: time limits, missing networks, files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.search_library import SearchedLibrary
from chainpipe.hashing.model_folder.folder import read_facts
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.store import open_store
from chainpipe.server.limits import ServerLimits
from chainpipe.server.problems import RequestProblem
from chainpipe.server.reading import VideoReading
from chainpipe.server.served_duplicates import ServedDuplicates, write_duplicates
from chainpipe.server.served_library import ServedLibrary, served_library
from chainpipe.server.uploads import Upload
from tests.chainpipe.server.server_process import Server

MODEL = "models/feats-lsh-32"
TOOLS = Tools(
    lambda source: [], lambda paths, meta: [], lambda paths, size: [], Console(quiet=True).progress,
    lambda line: None,
)  # fmt: skip


@pytest.fixture(scope="module")
def library(shelf: Path) -> Iterator[ServedLibrary]:
    folder = shelf / MODEL
    where = {"codes": None, "store": shelf / "feats.h5", "tools": TOOLS}
    with served_library(folder, read_facts(folder), **where) as opened:  # type: ignore[arg-type]
        yield opened


def upload(shelf: Path) -> Upload:
    return Upload(shelf / "clips/5.mp4", "5.mp4", b"\0" * 32, {})


def reading(shelf: Path, seconds: float, **changes: object) -> VideoReading:
    with open_store(shelf / "feats.h5") as store:
        meta = replace(store.meta, fingerprint=replace(store.meta.fingerprint, **changes))  # type: ignore[arg-type]
    return VideoReading(meta, seconds=seconds, device="cpu", trust_weights=False)


def test_reading_ends_when_time_is_up_or_the_server_stops(shelf: Path) -> None:
    late, stopped = reading(shelf, 0.0), reading(shelf, 60.0)
    stopped.stop()
    for one in (late, stopped):
        with pytest.raises(RequestProblem) as told:
            one.features(upload(shelf))
        assert (told.value.status, told.value.code) == (422, "timeout")


def test_files_are_refused_where_their_network_is_not_to_be_had(shelf: Path) -> None:
    other = reading(shelf, 60.0, weights_sha256="00" * 32)
    other.prepare()
    assert "not the backbone" in other.lacks
    with pytest.raises(RequestProblem) as told:
        other.features(upload(shelf))
    assert (told.value.status, told.value.code) == (501, "no_backbone")


def test_limits_are_at_least_one() -> None:
    with pytest.raises(UsageError, match="`readers` is 0"):
        ServerLimits(readers=0)


def test_a_library_without_its_store_is_not_served(library: ServedLibrary) -> None:
    whole = library.library
    with pytest.raises(UsageError, match="needs the store"):
        ServedLibrary(SearchedLibrary(whole.folder, whole.facts, whole.codes, None), TOOLS)


def test_a_hasher_without_values_has_no_asymmetric_distance(
    library: ServedLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnlyBits:
        """What a plug-in may be."""

        bits = 32

        def encode(self, features: np.ndarray) -> np.ndarray:
            return np.zeros((len(features), 32), bool)

    monkeypatch.setitem(library.library.__dict__, "hasher", OnlyBits())
    with pytest.raises(RequestProblem) as told:
        library.search(library.by_row(0), 3, "asymmetric")
    assert (told.value.status, told.value.code) == (422, "no_answer")


def test_ids_that_begin_alike_are_told_apart(library: ServedLibrary) -> None:
    ids = library.library.codes.video_ids
    digits = bytes(ids[3]).hex()
    assert library.by_id(digits[:9].upper()).row == 3
    with pytest.raises(RequestProblem, match="no video"):
        library.by_id(digits[:63] + ("0" if digits[63] != "0" else "1"))
    assert library.id_of("nowhere.mp4") == ""
    assert library.path_of("00" * 32) is None


def test_files_of_duplicates_are_checked(
    shelf: Path, library: ServedLibrary, tmp_path: Path
) -> None:
    lines = tmp_path / "lines.jsonl"
    packed = np.asarray(library.library.codes.packed)
    write_duplicates(lines, library.store, packed, workers=1, progress=Console(quiet=True).progress)
    found = ServedDuplicates(library, lines, tmp_path / "decisions.jsonl")
    assert found.page(None, 0, 10)["total"] > 0
    assert found.page(None, 9999, 10)["pairs"] == []
    with pytest.raises(NotFoundError):
        ServedDuplicates(library, tmp_path / "none.jsonl", tmp_path / "decisions.jsonl")
    for line in ('{"schema": 1, "a": "0.mp4"}', '{"schema": 1, "a": 1, "b": 2}', "{", "[]"):
        lines.write_text(line + "\n")
        with pytest.raises(UsageError, match="line 1"):
            ServedDuplicates(library, lines, tmp_path / "decisions.jsonl")


def test_damaged_codes_are_found(shelf: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(shelf / MODEL, tmp_path / "model")
    data = bytearray((folder / "codes.npz").read_bytes())
    data[len(data) // 2] ^= 255
    (folder / "codes.npz").write_bytes(data)
    where = {"codes": None, "store": shelf / "feats.h5", "tools": TOOLS}
    opened = served_library(folder, read_facts(folder), **where)  # type: ignore[arg-type]
    with pytest.raises(DamageError), opened:
        pass


def test_a_broken_disk_ends_one_request_only(shelf: Path) -> None:
    with Server(shelf, "--no-build", "--no-look") as server:
        [folder] = shelf.glob("chainpipe-serve-*/uploads")
        folder.rmdir()
        reply = server.send("/encode", b"x")
        assert (reply.status, reply.code) == (500, "server_files")
        assert str(shelf).encode() not in reply.body
        assert "content-security-policy" in reply.headers
        assert server.ask("/search?row=0").status == 200
