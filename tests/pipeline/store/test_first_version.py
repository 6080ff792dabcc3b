"""What version 0.1.0 wrote is read as it was, verified, mended, and continued.

``made_by_0_1_0.tar.xz`` holds a store in both formats, an unfinished output as an interruption
leaves it, and one as a kill leaves it, whose database has a write-ahead log beside it.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.records import Blank, VideoFeatures
from chainpipe.pipeline.store import (
    find_damage,
    iter_rows,
    open_store,
    parts_of,
    rewrite_store,
    verify,
    write_store,
    write_unit,
)
from tests.pipeline.store.store_samples import FAILED, META, ROOT, bare, open_journal, plain, videos

BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])
FIRST_FAILED = tuple(replace(video, command="", stderr="") for video in FAILED)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    with tarfile.open(Path(__file__).with_name("made_by_0_1_0.tar.xz")) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def first_rows() -> list[VideoFeatures]:
    """Return the videos that were written; that version took NaN as it came."""
    # It kept no notes and knew neither tracks nor blank videos.
    rows = [
        replace(row, note="", info=replace(row.info, track=-1), blank=Blank.UNKNOWN)
        for row in videos(5)
    ]
    rows[4].features[0, 0] = np.nan
    return rows


@BOTH
def test_its_stores_are_read_and_verified(first: Path, suffix: str) -> None:
    path = first / f"feats{suffix}"
    assert list(verify(path)) == []
    with open_store(path) as store:
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in first_rows()]
        assert (store.meta, store.root, store.failed) == (META, ROOT, FIRST_FAILED)
        assert store.views(slice(None)).shape == (5, 0, 4, 6)
        assert store.augmentation() is None
        assert store.bad_rows() == []


@BOTH
def test_damage_in_its_stores_is_named_and_mended(first: Path, suffix: str) -> None:
    path = first / f"feats{suffix}"
    file = path if suffix == ".h5" else path / "feats" / "c" / "0" / "0" / "0"
    data, row = file.read_bytes(), first_rows()[3]
    at = data.index(row.features.tobytes())
    file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    damage = find_damage(path)
    assert damage is not None
    assert f"`{path}`: row 3 of `feats` cannot be trusted" in damage.lines
    assert damage.paths == (row.path,)
    rewrite_store(damage, fresh=[row])
    assert list(verify(path)) == []
    with open_store(path) as store:
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in first_rows()]


@BOTH
def test_rows_are_added_to_its_stores(first: Path, suffix: str) -> None:
    out = first / f"feats{suffix}"
    new = bare(videos(6)[5])
    with open_journal(out) as journal, open_store(out) as old:
        journal.add([new])

        def rows() -> Iterator[VideoFeatures]:
            yield from map(bare, iter_rows(old))
            yield from journal.rows([new.path])

        write_store(
            out, root=ROOT, meta=META, rows=rows(), count=6, failed=old.failed, allow_nan=True
        )
        journal.finish()
    with open_store(out) as store:
        wanted = [plain(bare(row)) for row in [*first_rows(), new]]
        assert [plain(row) for row in iter_rows(store)] == wanted
    assert list(verify(out)) == []


@pytest.mark.parametrize("name", ["open.h5", "killed.h5"])
def test_its_unfinished_work_is_continued(first: Path, name: str) -> None:
    out = first / name
    rows = [bare(row) for row in first_rows()]
    new = replace(FAILED[0], path=b"new", command="ffmpeg -i x", stderr="bad")
    with open_journal(out) as journal:
        assert journal.dropped == ()
        assert list(journal.done()) == [row.path for row in rows]
        assert journal.failed() == FIRST_FAILED
        unit = write_unit(parts_of(out), "more", [videos(6)[5]], [new], journal.spec)
        assert journal.import_unit(*unit) == ((videos(6)[5].path,), (b"new",))
    with open_journal(out) as journal:
        assert len(journal.done()) == 6
        assert journal.failed() == (*FIRST_FAILED, new)
        found = journal.rows([row.path for row in rows])
        assert [plain(row) for row in found] == [plain(row) for row in rows]
