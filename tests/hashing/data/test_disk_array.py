"""Rows in a file: what was written is read, once for all who share it, and damage is told."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainpipe.hashing.data.disk_array import write_disk_array
from chainpipe.pipeline.errors import StorageError

ROWS = np.random.default_rng(0).normal(size=(11, 3, 2)).astype(np.float32)


@pytest.mark.parametrize("named", [True, False])
def test_rows_are_read_in_the_order_asked_for(tmp_path: Path, named: bool) -> None:
    folder = tmp_path if named else None
    rows = write_disk_array(np.array_split(ROWS, 4), 11, folder=folder)
    assert (len(rows), rows.shape, rows.nbytes) == (11, (11, 3, 2), ROWS.nbytes)
    for numbers in ([], [10], [3, 0, 3, 10], list(range(11))):
        assert np.array_equal(rows.take(torch.tensor(numbers).long()).numpy(), ROWS[numbers])
    for size in (1, 4, 100):
        parts = list(rows.split(size))
        assert max(len(part) for part in parts) == min(size, 11)
        assert np.array_equal(torch.cat(parts).numpy(), ROWS)
    rows.prefetch(2, 5)
    assert len(list(tmp_path.iterdir())) == named


def test_a_system_without_advice_and_reservation_reads_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("posix_fadvise", "posix_fallocate"):
        monkeypatch.delattr(os, name)
    rows = write_disk_array([ROWS], 11, folder=tmp_path)
    rows.prefetch(2, 5)
    assert np.array_equal(torch.cat([*rows.split(4)]).numpy(), ROWS)


@given(st.integers(1, 40), st.integers(1, 9), st.lists(st.integers(0, 39), max_size=20))
def test_any_shape_comes_back(count: int, width: int, numbers: list[int]) -> None:
    values = np.random.default_rng(count).normal(size=(count, width)).astype(np.float32)
    rows = write_disk_array(
        np.array_split(values, 3) if count > 2 else [values], count, folder=None
    )
    asked = [number % count for number in numbers]
    assert np.array_equal(rows.take(torch.tensor(asked).long()).numpy(), values[asked])


def test_the_file_of_an_earlier_process_is_taken_as_it_is(tmp_path: Path) -> None:
    asked = []

    def parts(factor: float):  # type: ignore[no-untyped-def]
        for part in np.array_split(factor * ROWS, 4):
            asked.append(len(part))
            yield part

    write_disk_array(parts(1), 11, folder=tmp_path)
    again = write_disk_array(parts(1), 11, folder=tmp_path)
    assert len(asked) == 4 + 1
    assert np.array_equal(again.take(torch.arange(11)).numpy(), ROWS)
    other = write_disk_array(parts(2), 11, folder=tmp_path)
    assert np.array_equal(other.take(torch.arange(11)).numpy(), 2 * ROWS)


def test_a_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    rows = write_disk_array([ROWS], 11, folder=tmp_path)
    os.truncate(rows.path, rows.nbytes - 1)
    rows.take(torch.arange(10))
    with pytest.raises(StorageError, match="is cut short"):
        rows.take(torch.tensor([10]))


def test_parts_that_do_not_add_up_are_a_bug(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="264 bytes for an array of shape"):
        write_disk_array([ROWS], 12, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        write_disk_array([ROWS], 11, folder=tmp_path / "nowhere")
