"""A mended store has the very bytes that it had before it was damaged."""

from __future__ import annotations

import os
import random
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from chainpipe.pipeline.errors import DamageError, LockedError, NotFoundError, StorageError
from chainpipe.pipeline.records import FailedVideo, Status, StoreMeta
from chainpipe.pipeline.store import (
    find_damage,
    iter_rows,
    locked_for_repair,
    open_store,
    parts_of,
    rewrite_store,
    verify,
)
from chainpipe.pipeline.store.formats import packed_strings, zarr_format
from tests.pipeline.store.store_samples import (
    FAILED,
    LABELS,
    RICH,
    STATISTICS,
    alter,
    bare,
    files_of,
    make,
    numbers,
    plain,
    tree,
    video,
    videos,
)

WIDE = replace(RICH, fingerprint=replace(RICH.fingerprint, dim=256), augmentation="")
BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])


def rich(folder: Path, suffix: str, count: int = 9) -> Path:
    return make(folder / f"feats{suffix}", videos(count, RICH), RICH)


def flip(path: Path, at: int, bit: int = 0) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


def mend_all(path: Path, meta: StoreMeta = RICH) -> bool:
    """Mend a store as if every video could be read again; tell whether that can be done."""
    if (damage := find_damage(path)) is None:
        return False
    assert damage.lines
    fresh = [bare(video(row, meta)) for row in damage.rows]
    assert [row.path for row in fresh] == [*damage.paths]
    rewrite_store(damage, fresh=fresh, augmentation=STATISTICS if damage.statistics else None)
    return True


def mend_flips(folder: Path, suffix: str, count: int, seed: int) -> int:
    """Flip bits one at a time and mend the store each time; count those that cannot be mended."""
    choice = random.Random(seed)
    path = make(folder / f"feats{suffix}", videos(24, WIDE), WIDE)
    good, beyond = tree(folder), 0
    for _ in range(count):
        files = files_of(path)
        file = choice.choices(files, [file.stat().st_size for file in files])[0]
        data = file.read_bytes()
        flip(file, choice.randrange(len(data)), choice.randrange(8))
        if mend_all(path, WIDE):
            assert tree(folder) == good
        else:
            beyond += 1
            assert list(verify(path))
            file.write_bytes(data)
    return beyond


def test_bytes_that_are_there_twice_are_mended_without_a_video(tmp_path: Path) -> None:
    """The user block, each copy of a list of strings, the checksums of chunks, and padding."""
    path = rich(tmp_path, ".h5")
    good = path.read_bytes()
    run, offsets = packed_strings.pack([row.path for row in videos(9)])
    feats = video(4, RICH).features.tobytes()
    places = [
        *(3, 40, 100, 300),
        good.index(run.tobytes()) + 5,
        good.index(offsets.tobytes()) + 8,
        good.index(video(4).path),
        good.rindex(video(4).path),
        good.index(feats) + len(feats),
    ]
    assert places[-3] != places[-2]
    for place in places:
        flip(path, place)
        damage = find_damage(path)
        assert damage is not None, place
        assert (damage.rows, damage.statistics) == ((), False), place
        rewrite_store(damage)
        assert path.read_bytes() == good


def test_a_grown_file_is_mended_without_a_video(tmp_path: Path) -> None:
    path = rich(tmp_path, ".h5")
    good = path.read_bytes()
    path.write_bytes(good + b"more")
    assert mend_all(path)
    assert path.read_bytes() == good


@pytest.mark.parametrize("harm", ["flipped", "gone"])
def test_zarr_metadata_is_mended_without_a_video(tmp_path: Path, harm: str) -> None:
    path = rich(tmp_path, ".zarr", 2)
    good = tree(tmp_path)
    metadata = [file for file in files_of(path) if file.suffix == ".json"]
    assert len(metadata) > 30
    some = metadata[:: 26 if harm == "gone" else 30]
    for file in [*some, path / "zarr.json", path / "spare.json"]:
        file.unlink() if harm == "gone" else flip(file, file.stat().st_size // 2)
        damage = find_damage(path)
        assert damage is not None, file
        assert (damage.rows, damage.statistics) == ((), False), file
        assert any(str(file) in line for line in damage.lines)
        rewrite_store(damage)
        assert tree(tmp_path) == good


def test_a_zarr_file_that_is_missing_or_too_many_is_mended(tmp_path: Path) -> None:
    path = rich(tmp_path, ".zarr", 140)
    good = tree(tmp_path)
    (path / "views" / "c" / "1" / "0" / "0" / "0").unlink()
    (path / "feats" / "c" / "2").write_bytes(b"extra")
    damage = find_damage(path)
    assert damage is not None
    assert damage.rows == tuple(range(128, 140))
    rewrite_store(damage, fresh=(video(row, RICH) for row in damage.rows))
    assert tree(tmp_path) == good


@BOTH
def test_what_cannot_be_read_again_becomes_a_failure(tmp_path: Path, suffix: str) -> None:
    path = rich(tmp_path, suffix)
    for number in (2, 3, 7):
        alter(path, video(number, RICH).views)
    damage = find_damage(path)
    assert damage is not None
    assert damage.rows == (2, 3, 7)
    lost = FailedVideo(video(3).path, Status.UNREADABLE, "gone", 1, "av", "no such file")
    changed = replace(bare(video(7, RICH)), size=77)
    rewrite_store(damage, fresh=[bare(video(2, RICH)), changed], failed=[lost])
    assert list(verify(path)) == []
    with open_store(path) as store:
        wanted = [video(n, RICH) for n in (0, 1, 2, 4, 5, 6, 7, 8)]
        wanted[6] = replace(wanted[6], size=77)
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in wanted]
        assert store.failed == (*FAILED, lost)
        assert store.videos.label_names == LABELS


@BOTH
def test_lost_statistics_are_replaced_or_gone(tmp_path: Path, suffix: str) -> None:
    for given in (None, STATISTICS):
        path = rich(tmp_path, suffix, 2)
        alter(path, STATISTICS.basis)
        damage = find_damage(path)
        assert damage is not None
        assert (damage.rows, damage.statistics) == ((), True)
        rewrite_store(damage, augmentation=given)
        with open_store(path) as store:
            assert numbers(store.augmentation()) == numbers(given)


@BOTH
def test_a_store_without_damage_needs_nothing(tmp_path: Path, suffix: str) -> None:
    path = rich(tmp_path, suffix, 2)
    damage = find_damage(path)
    assert damage is not None
    assert (damage.lines, damage.rows, damage.paths, damage.statistics) == ((), (), (), False)


@BOTH
def test_a_store_whose_table_is_gone_is_beyond_repair(tmp_path: Path, suffix: str) -> None:
    path = rich(tmp_path, suffix, 3)
    with open_store(path) as store:
        ids = store.videos.ids
    alter(path, ids)
    assert find_damage(path) is None
    assert f"`{path}` is damaged in `video/id`" in list(verify(path))


@BOTH
def test_other_videos_than_the_damaged_ones_are_refused(tmp_path: Path, suffix: str) -> None:
    path = rich(tmp_path, suffix, 4)
    for number in (1, 2):
        alter(path, video(number, RICH).features)
    before = tree(tmp_path)
    damage = find_damage(path)
    assert damage is not None
    one, two, three = (video(number, RICH) for number in (1, 2, 3))
    failure = FailedVideo(three.path, Status.CORRUPT, "no")
    for fresh, failed, words in [
        ([one], [], "should be next, not None"),
        ([two, one], [], "should be next, not VideoFeatures"),
        ([one, two, three], [], "is not among the damaged videos"),
        ([one, two], [failure], "is not among the damaged videos"),
    ]:
        with pytest.raises(ValueError, match=words):
            rewrite_store(damage, fresh=fresh, failed=failed)
    assert tree(tmp_path) == before


def test_a_store_of_which_no_row_is_left_is_not_written(tmp_path: Path) -> None:
    path = rich(tmp_path, ".h5", 1)
    alter(path, video(0, RICH).features)
    damage = find_damage(path)
    assert damage is not None
    with pytest.raises(DamageError, match=r"no row of .* is left"):
        rewrite_store(damage, failed=[FailedVideo(video(0).path, Status.CORRUPT, "no")])


def test_while_a_store_is_repaired_nobody_else_writes_it(tmp_path: Path) -> None:
    path = rich(tmp_path, ".h5", 1)
    (tmp_path / ".feats.h5.0123abcd.tmp").write_bytes(b"killed")
    with locked_for_repair(path):
        holder = f"process {os.getpid()} on host {socket.gethostname()}"
        with pytest.raises(LockedError, match=holder), locked_for_repair(path):
            pass
    assert [file.name for file in tmp_path.iterdir()] == ["feats.h5"]


def test_a_folder_that_a_killed_repair_moved_aside_is_brought_back(tmp_path: Path) -> None:
    path = rich(tmp_path, ".zarr", 1)
    path.rename(tmp_path / ".feats.zarr.old")
    with locked_for_repair(path):
        assert list(verify(path)) == []


def test_what_is_no_store_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    for name in ("text.h5", "nothing.h5", "nothing.zarr"):
        with pytest.raises(NotFoundError):
            find_damage(tmp_path / name)
    with pytest.raises(NotFoundError), locked_for_repair(tmp_path / "nowhere" / "feats.h5"):
        pass
    assert zarr_format.SPARE == "spare.json"


def test_a_place_that_takes_no_lock_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "feats.h5").write_text("whatever")
    parts_of(tmp_path / "feats.h5").write_text("a file where a folder should be")
    with pytest.raises(StorageError), locked_for_repair(tmp_path / "feats.h5"):
        pass
