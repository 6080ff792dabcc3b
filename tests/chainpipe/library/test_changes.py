"""Changes of a library against a plain second account of what was done to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chainpipe.library.changes import Changes, changes_between
from chainpipe.library.known_videos import FILE, KnownVideos
from chainpipe.pipeline.records import FailedVideo, Status


def known(files: dict[str, int], gone: set[str] = frozenset()) -> KnownVideos:  # type: ignore[assignment]
    ids = np.array([[number] * 32 for number in files.values()], np.uint8).reshape(-1, 32)
    paths = tuple(name.encode() for name in files)
    present = np.array([name not in gone for name in files], bool)
    failed = (FailedVideo(b"x", Status.CORRUPT, "", video_id=bytes([9] * 32)),)
    return KnownVideos(paths, ids, ids, present, failed)


def test_names_that_files_exchange_are_moves() -> None:
    found = changes_between(known({"a": 1, "b": 2}), known({"a": 2, "b": 1}))
    assert found == Changes(moved=((b"b", b"a"), (b"a", b"b")))


def test_a_copy_is_new_and_a_replaced_file_changed() -> None:
    found = changes_between(known({"a": 1, "b": 2}), known({"a": 1, "b": 3, "c": 1, "d": 2}))
    assert found == Changes(added=(b"c",), changed=(b"b",), moved=((b"b", b"d"),))


@pytest.mark.parametrize("seed", range(20))
def test_what_was_done_is_what_is_told(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = {f"f{n}": n for n in range(20)}
    after, told = dict(before), {name: set() for name in ("added", "changed", "moved", "gone")}
    gone = set()
    for n, action in enumerate(rng.choice([*told, "nothing"], 20)):
        name = f"f{n}"
        if action == "added":
            after[f"new{n}"] = 100 + n
            told[action].add(f"new{n}".encode())
        elif action == "changed":
            after[name] = 150 + n
            told[action].add(name.encode())
        elif action == "moved":
            after[f"moved{n}"] = after.pop(name)
            told[action].add((name.encode(), f"moved{n}".encode()))
        elif action == "gone":
            gone.add(name)
            told[action].add(name.encode())
    names = rng.permutation(list(after)).tolist()
    found = changes_between(known(before), known({name: after[name] for name in names}, gone))
    assert {name: set(getattr(found, name)) for name in told} == told
    assert (found.back, found.dropped) == ((), ())
    undone = changes_between(known(after, gone), known(after))
    assert set(undone.back) == told["gone"]


def test_known_videos_are_read_back(tmp_path: Path) -> None:
    assert KnownVideos.load(tmp_path) is None
    before = known({"a": 1, "b": 2}, {"b"})
    before.save(tmp_path)
    after = KnownVideos.load(tmp_path)
    assert after is not None
    assert changes_between(before, after) == Changes()
    assert after.failed == before.failed
    assert after.present.tolist() == [True, False]
    data = (tmp_path / FILE).read_bytes()
    for cut in (3, len(data) // 2, len(data) - 1):
        (tmp_path / FILE).write_bytes(data[:cut])
        assert KnownVideos.load(tmp_path) is None


def test_no_videos_are_known_videos(tmp_path: Path) -> None:
    KnownVideos((), *np.zeros((2, 0, 32), np.uint8), np.zeros(0, bool), ()).save(tmp_path)
    assert KnownVideos.load(tmp_path) is not None
