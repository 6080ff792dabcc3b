"""Stores made per time: rows of any length come back bit for bit, and their damage is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.records import StoreMeta, VideoFeatures
from chainpipe.pipeline.store import (
    find_damage,
    iter_rows,
    open_store,
    rewrite_store,
    verify,
    write_unit,
)
from chainpipe.pipeline.store.sequence_store import SequenceStore
from tests.pipeline.store.store_samples import (
    META,
    alter,
    bare,
    everything,
    make,
    open_journal,
    plain,
    video,
)
from tests.pipeline.store.test_verify import flips

BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])
TIMED = replace(META, every=0.5)
LENGTHS = (1, 7, 1500, 3, 64, 513, 2)  # longer than a chunk of either format, and shorter than T


def films(lengths: tuple[int, ...] = LENGTHS) -> list[VideoFeatures]:
    """Return one video for each number of frames."""
    return [video(number, replace(TIMED, frames=count)) for number, count in enumerate(lengths)]


@BOTH
def test_rows_of_any_length_come_back(tmp_path: Path, suffix: str) -> None:
    rows = films()
    with open_store(make(tmp_path / f"feats{suffix}", rows, TIMED)) as store:
        assert isinstance(store, SequenceStore)
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in rows]
        assert store.counts().tolist() == list(LENGTHS)
        assert (store.meta, store.bad_rows(), list(store.damage())) == (TIMED, [], [])
        assert np.array_equal(store.sequence(-2).seconds, rows[-2].seconds)


@BOTH
def test_readers_of_a_fixed_number_get_the_middles_of_equal_runs(
    tmp_path: Path, suffix: str
) -> None:
    rows = films((1, 8, 3))
    with open_store(make(tmp_path / f"feats{suffix}", rows, TIMED)) as store:
        assert store.shape == (3, 4, 6)
        chosen = [0, 0, 0, 0], [1, 3, 5, 7], [0, 1, 1, 2]
        for row, frames in enumerate(chosen):
            found = store.features(slice(row, row + 1))[0]
            assert np.array_equal(found, rows[row].features[frames])
            assert np.array_equal(store.index(np.array([row]))[0], rows[row].index[frames])
        assert store.candidates(slice(None)).shape == (3, 4, 0, 6)
        assert store.views(slice(None)).shape == (3, 0, 4, 6)


def test_the_arrays_are_those_of_the_contract(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.h5", films((5, 2)), TIMED)
    with h5py.File(path) as file:
        assert (file.attrs["version"], file["feats"].shape) == (2, (7, 6))
        assert (file["seconds"].shape, file["index"].shape) == ((7,), (7,))
        assert file["video/start"][()].tolist() == [0, 5]
        assert file["video/count"][()].tolist() == [5, 2]


def test_a_store_of_equal_numbers_is_of_the_first_format(tmp_path: Path) -> None:
    with h5py.File(make(tmp_path / "feats.h5", [video(0)])) as file:
        assert file.attrs["version"] == 1
        assert b"every" not in file.attrs["settings"]
        assert "video/start" not in file


@BOTH
def test_no_flipped_bit_is_read_as_if_it_were_good(tmp_path: Path, suffix: str) -> None:
    path = make(tmp_path / f"feats{suffix}", films((1, 70, 600)), TIMED)
    with open_store(path) as store:
        good = everything(store)
    for flip in flips(path, 60, seed=5):
        assert list(verify(path)), flip
        try:
            with open_store(path) as store:
                assert everything(store) == good, flip
        except DamageError:
            continue
    assert list(verify(path)) == []


@BOTH
def test_a_damaged_row_is_named_and_replaced_alone(tmp_path: Path, suffix: str) -> None:
    rows = films()
    path = make(tmp_path / f"feats{suffix}", rows, TIMED)
    with open_store(path) as store:
        good = everything(store)
    alter(path, rows[4].features[:20])  # of one chunk
    assert f"`{path}`: row 4 of `feats` cannot be trusted" in list(verify(path))
    with open_store(path) as store, pytest.raises(DamageError, match="row 4 of `feats`"):
        store.sequence(4)
    damage = find_damage(path)
    assert damage is not None
    assert damage.rows == (4,)
    rewrite_store(damage, fresh=[bare(rows[4])])
    with open_store(path) as store:
        assert everything(store) == good


def test_the_journal_keeps_what_was_committed(tmp_path: Path) -> None:
    rows, out = films(), tmp_path / "feats.zarr"
    with open_journal(out, TIMED) as journal:
        journal.add(rows[:4])
        unit = write_unit(tmp_path / "feats.zarr.parts", "000001", rows[4:], (), journal.spec)
        journal.import_unit(unit.path, unit.sha256)
    with open_journal(out, TIMED) as journal:
        found = list(journal.rows([row.path for row in rows]))
        assert [plain(row) for row in found] == [plain(bare(row)) for row in rows]
    with pytest.raises(UsageError, match=r"every: 0\.5 / 1\.0"):
        open_journal(out, replace(TIMED, every=1.0))


@pytest.mark.parametrize("wrong", ["shape", "times"])
def test_a_video_that_does_not_fit_is_refused(tmp_path: Path, wrong: str) -> None:
    row = films((3,))[0]
    bad = (
        replace(row, features=row.features[:, :5])
        if wrong == "shape"
        else replace(row, seconds=row.seconds[:, None])
    )
    with pytest.raises(ValueError, match="in this store it is"):
        make(tmp_path / "feats.h5", [bad], TIMED)


def test_settings_of_other_steps_differ() -> None:
    fixed: StoreMeta = META
    assert fixed.differences(TIMED) == ["every: 0.0 / 0.5"]
    assert StoreMeta.from_settings(TIMED.settings(), chainpipe="0.1.0") == TIMED
