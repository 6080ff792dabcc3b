"""No altered byte is ever read as if it were good, and damage is named by row."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from chainpipe.pipeline.errors import ChainpipeError, DamageError, NotFoundError, StorageError
from chainpipe.pipeline.store import iter_rows, open_store, verify
from chainpipe.pipeline.store.formats import zarr_format
from tests.pipeline.store.store_samples import (
    RICH,
    STATISTICS,
    alter,
    everything,
    files_of,
    make,
    video,
    videos,
)

BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])


def flips(store: Path, count: int, seed: int) -> Iterator[str]:
    """Flip one bit after another, all over the store; each is mended before the next."""
    choice = random.Random(seed)
    files = files_of(store)
    sizes = [path.stat().st_size for path in files]
    for number in range(count):
        # Every second time by file, so that the small ones have their turn.
        path = choice.choice(files) if number % 2 else choice.choices(files, sizes)[0]
        good = path.read_bytes()
        at, bit = choice.randrange(len(good)), choice.randrange(8)
        path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
        yield f"{path.name} byte {at} bit {bit}"
        path.write_bytes(good)


def test_every_byte_of_the_user_block_is_checked(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.h5", videos(1))
    good = path.read_bytes()
    for at in range(0, 512, 7):
        path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        assert list(verify(path)), at


@BOTH
@pytest.mark.parametrize("field", ["features", "candidates", "views"])
def test_damaged_rows_are_named_by_verify_and_by_readers(
    tmp_path: Path, suffix: str, field: str
) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(200, RICH), RICH)
    for row in (3, 140, 141):
        alter(path, getattr(video(row, RICH), field))
    name = "feats" if field == "features" else field
    assert f"`{path}`: rows 3, 140-141 of `{name}` cannot be trusted" in list(verify(path))
    with open_store(path) as store:
        assert store.bad_rows() == [3, 140, 141]
        read = getattr(store, field)
        assert np.array_equal(read(slice(4, 140))[0], getattr(video(4, RICH), field))
        for asked in (slice(100, 150), np.array([0, 141, 140, 141])):
            with pytest.raises(DamageError, match=f"in rows 140-141 of `{name}`") as caught:
                read(asked)
            assert "chainpipe verify" in str(caught.value.hint)
        with pytest.raises(DamageError, match=f"in row 3 of `{name}`"):
            list(iter_rows(store))


@BOTH
@pytest.mark.parametrize("name", ["seconds", "index", "candidate_seconds", "candidate_index"])
def test_damaged_times_cost_their_own_row_only(tmp_path: Path, suffix: str, name: str) -> None:
    """Many rows share a chunk and its checksum; each row has its own beside."""
    path = make(tmp_path / f"feats{suffix}", videos(20, RICH), RICH)
    alter(path, getattr(video(7, RICH), name))
    times = "`seconds`, `index`, `candidate_seconds`, `candidate_index`"
    assert f"`{path}`: row 7 of {times} cannot be trusted" in list(verify(path))
    with open_store(path) as store:
        with pytest.raises(DamageError, match=f"in row 7 of `{name}`"):
            getattr(store, name)(slice(6, 8))
        assert store.bad_rows() == [7]
        for row in (6, 8):
            found = getattr(store, name)(np.array([row]))[0]
            assert np.array_equal(found, getattr(video(row, RICH), name))


@BOTH
@pytest.mark.parametrize("field", ["mean", "basis", "residual"])
def test_damaged_statistics_are_found_and_hide_nothing_else(
    tmp_path: Path, suffix: str, field: str
) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(3, RICH), RICH)
    alter(path, getattr(STATISTICS, field))
    assert f"`{path}` is damaged in its augmentation statistics" in list(verify(path))
    with open_store(path) as store:
        assert store.bad_rows() == []
        with pytest.raises(DamageError, match="augmentation"):
            store.augmentation()


@BOTH
@pytest.mark.parametrize("name", ["mtime_ns", "times_checksum", "views_checksum"])
def test_a_damaged_column_is_named(tmp_path: Path, suffix: str, name: str) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(9, RICH), RICH)
    with open_store(path) as store:
        column = store._arrays.whole(f"video/{name}")  # type: ignore[attr-defined]
    alter(path, column)
    assert f"`{path}` is damaged in `video/{name}`" in list(verify(path))
    with pytest.raises(DamageError, match=f"video/{name}"):
        open_store(path)


@BOTH
@pytest.mark.parametrize("part", [0.0, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_damage(tmp_path: Path, suffix: str, part: float) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(20))
    chunks = [file for file in files_of(path) if "c" in file.relative_to(path).parts]
    root = path if suffix == ".h5" else path / zarr_format.ROOT
    file = max(chunks, key=lambda p: p.stat().st_size, default=root) if part else root
    with open_store(path) as store:
        truth = everything(store)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    if part == 0.0 and suffix == ".h5":
        with pytest.raises(NotFoundError):
            open_store(path)
    else:
        assert any(str(file) in line for line in verify(path))
        with suppress(DamageError), open_store(path) as store:
            assert everything(store) == truth  # of a shard, the end may be missing that no row uses


def test_a_grown_file_is_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.h5", videos(2))
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(DamageError, match=f"cut or grown: {size + 1} bytes, {size} were written"):
        open_store(path)


def test_no_missing_file_of_a_zarr_store_is_read_as_zeros(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.zarr", videos(140))
    with open_store(path) as store:
        truth = everything(store)
    for file in files_of(path):
        good = file.read_bytes()
        file.unlink()
        assert f"`{file}` is missing" in list(verify(path))
        if file.name != zarr_format.SPARE:
            with pytest.raises(DamageError), open_store(path) as store:
                everything(store)
        file.write_bytes(good)
    with open_store(path) as store:
        assert everything(store) == truth


def test_a_chunk_that_is_missing_inside_a_shard_is_found(tmp_path: Path) -> None:
    """Cut a chunk out of the shard's index, with a right checksum: plain zarr reads zeros."""
    path = make(tmp_path / "feats.zarr", videos(3))
    shard = path / "feats" / "c" / "0" / "0" / "0"
    data = bytearray(shard.read_bytes())
    index = slice(len(data) - 4 - 128 * 16, len(data) - 4)
    data[index.start + 16 : index.start + 32] = b"\xff" * 16
    data[-4:] = crc32c(bytes(data[index])).to_bytes(4, "little")
    shard.write_bytes(data)
    assert f"`{path}`: row 1 of `feats` cannot be trusted" in list(verify(path))
    with open_store(path) as store, pytest.raises(DamageError, match="in row 1 of `feats`"):
        store.features(slice(None))


def crc32c(data: bytes) -> int:
    """Return the Castagnoli checksum, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_a_zarr_store_without_its_root_metadata_is_damage(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.zarr", videos(1))
    (path / "zarr.json").unlink()
    with pytest.raises(DamageError, match=r"zarr\.json` is missing"):
        open_store(path)


def test_a_file_too_many_in_a_zarr_store_is_named_unless_it_is_hidden(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.zarr", videos(1))
    (path / ".DS_Store").write_bytes(b"x")
    assert list(verify(path)) == []
    extra = path / "feats" / "c" / "1" / "0" / "0"
    extra.parent.mkdir(parents=True)
    extra.write_bytes(b"x")
    assert list(verify(path)) == [f"`{extra}` does not belong to the store"]


def test_a_row_that_was_wrong_before_it_was_written_is_found(tmp_path: Path) -> None:
    """All checksums of the format are right here; only the row's own is not."""
    from chainpipe.pipeline.store.formats import hdf5_userblock

    path = make(tmp_path / "feats.h5", videos(5))
    with h5py.File(path, "r+") as file:
        file["feats"][2] = 0
    hdf5_userblock.stamp(path)
    assert list(verify(path)) == [f"`{path}`: row 2 of `feats` cannot be trusted"]


@BOTH
def test_an_intact_store_that_was_moved_is_intact(tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path / f"feats{suffix}", videos(5))
    moved = tmp_path / "elsewhere" / "other name"
    moved.parent.mkdir()
    shutil.move(path, moved)
    assert list(verify(moved)) == []


def test_verify_of_what_is_no_store_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        list(verify(tmp_path / "feats.h5"))


@BOTH
def test_a_disk_that_does_not_answer_is_no_damage(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = make(tmp_path / f"feats{suffix}", videos(5))
    with open_store(path) as store:
        monkeypatch.setattr(store._arrays, "take", broken)  # type: ignore[attr-defined]
        with pytest.raises(StorageError, match=r"cannot read .*: Input/output error") as caught:
            store.features(slice(None))
    assert isinstance(caught.value, ChainpipeError)
