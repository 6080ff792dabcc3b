"""Codes of windows in a codes file, its SHA-256, and codes that grow and shrink."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.retrieval.codes import Codes, joined, pack, read_codes, write_codes
from chainpipe.hashing.retrieval.window_codes import WindowCodes
from chainpipe.pipeline.errors import DamageError, UsageError
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


def windowed(per_video: list[int], bits: int = 11, seed: int = 0) -> Codes:
    """Return codes of which each video has some windows."""
    rows = np.repeat(np.arange(len(per_video)), per_video)
    starts = np.concatenate([np.arange(count) / 2 for count in per_video] or [np.empty(0)])
    windows = WindowCodes(pack(random_bits(len(rows), bits, seed + 1)), rows, starts, starts + 2)
    return replace(sample_codes(random_bits(len(per_video), bits, seed)), windows=windows)


def lines(codes: Codes) -> list[tuple[bytes, list[tuple[bytes, float, float]]]]:
    """Return each video's code with its windows: a second, slow view."""
    windows = codes.windows
    assert windows is not None
    return [
        (
            codes.packed[row].tobytes(),
            [
                (windows.packed[i].tobytes(), float(windows.starts[i]), float(windows.ends[i]))
                for i in range(len(windows))
                if windows.rows[i] == row
            ],
        )
        for row in range(len(codes))
    ]


@pytest.mark.parametrize("per_video", [[], [0], [3, 0, 2]])
def test_windows_are_written_and_read(tmp_path: Path, per_video: list[int]) -> None:
    codes = windowed(per_video)
    write_codes(tmp_path / "codes.npz", codes)
    assert lines(read_codes(tmp_path / "codes.npz", whole=True)) == lines(codes)
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as found:
        assert found["window_codes"].shape == (sum(per_video), 2)
        assert found["window_row"].dtype == np.int64


def test_windows_follow_their_videos(tmp_path: Path) -> None:
    codes = windowed([3, 0, 2, 1])
    expected = lines(codes)
    assert lines(codes[[3, 0, 0, 2]]) == [expected[row] for row in (3, 0, 0, 2)]
    assert lines(codes.remove([1, 2])) == [expected[row] for row in (0, 3)]
    more = windowed([1, 2], seed=5)
    assert lines(codes.append(more)) == expected + lines(more)
    assert joined([codes, sample_codes(random_bits(1, 11))]).windows is None


def test_the_recorded_digest_is_that_of_names_shapes_and_bytes(tmp_path: Path) -> None:
    write_codes(tmp_path / "codes.npz", windowed([1, 2]))
    plain = hashlib.sha256()
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as found:
        for name in sorted(found):
            if name != "sha256":
                array = found[name]
                plain.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + array.tobytes())
        assert str(found["sha256"]) == plain.hexdigest()


def test_an_altered_array_with_a_right_crc_is_found_by_the_sha(tmp_path: Path) -> None:
    write_codes(tmp_path / "codes.npz", windowed([1, 2]))
    with np.load(tmp_path / "codes.npz") as found:
        arrays = dict(found)
    arrays["window_end"] = arrays["window_end"] + 1
    np.savez(tmp_path / "codes.npz", **arrays)
    read_codes(tmp_path / "codes.npz")
    with pytest.raises(DamageError, match="SHA-256"):
        read_codes(tmp_path / "codes.npz", whole=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("window_row", np.array([0, 1, 7])),
        ("window_row", np.array([1, 0, 0])),
        ("window_row", np.array([-1, 0, 0])),
        ("window_row", np.zeros(3)),
        ("window_end", np.array([-1.0, 2, 2])),
        ("window_start", np.full(3, np.nan)),
        ("window_codes", np.full((3, 2), 255, np.uint8)),
        ("window_codes", np.zeros((3, 1), np.uint8)),
        ("window_codes", np.zeros(3, np.uint8)),
    ],
)
def test_windows_that_do_not_fit_are_damage(tmp_path: Path, name: str, content: np.ndarray) -> None:
    write_codes(tmp_path / "codes.npz", windowed([1, 2]))
    with np.load(tmp_path / "codes.npz") as found:
        arrays = dict(found)
    np.savez(tmp_path / "codes.npz", **{**arrays, name: content})
    with pytest.raises(DamageError, match=r"codes\.npz"):
        read_codes(tmp_path / "codes.npz")


def test_a_file_without_one_of_the_window_columns_is_damaged(tmp_path: Path) -> None:
    write_codes(tmp_path / "codes.npz", windowed([1, 2]))
    with np.load(tmp_path / "codes.npz") as found:
        arrays = {name: found[name] for name in found if name != "window_start"}
    np.savez(tmp_path / "codes.npz", **arrays)
    with pytest.raises(DamageError, match="window_start"):
        read_codes(tmp_path / "codes.npz")


def test_a_file_of_before_has_neither_windows_nor_a_digest(tmp_path: Path) -> None:
    write_codes(tmp_path / "codes.npz", windowed([1, 2]))
    with np.load(tmp_path / "codes.npz") as found:
        new = {"sha256", "window_codes", "window_row", "window_start", "window_end"}
        arrays = {name: found[name] for name in found if name not in new}
    np.savez(tmp_path / "codes.npz", **arrays)
    assert read_codes(tmp_path / "codes.npz", whole=True).windows is None


def test_appended_codes_keep_the_labels_of_both(tmp_path: Path) -> None:
    one = sample_codes(random_bits(2, 8), [[0], [1]], names=("a", "b"))
    other = sample_codes(random_bits(2, 8, 1), [[1], [0, 1]], names=("b", "c"))
    both = one.append(other)
    assert [both.names_of(row) for row in range(4)] == [("a",), ("b",), ("c",), ("b", "c")]
    assert np.array_equal(both.packed, np.concatenate([one.packed, other.packed]))
    assert both.table_sha256 == ""


def test_codes_of_another_model_are_not_appended() -> None:
    codes = sample_codes(random_bits(2, 8))
    with pytest.raises(UsageError, match="two models"):
        codes.append(replace(codes, origin=replace(codes.origin, sha256="00")))
    with pytest.raises(UsageError, match="9 bits"):
        codes.append(sample_codes(random_bits(2, 9)))


def test_rows_are_removed_by_numbers_slices_and_masks() -> None:
    codes = Codes.from_bits(random_bits(5, 4), ids="abcde")
    expected = ("a", "c", "e")
    for rows in ([1, 3], slice(1, 4, 2), np.array([0, 1, 0, 1, 0], bool)):
        assert codes.remove(rows).ids == expected
    assert codes.remove(-1).ids == ("a", "b", "c", "d")
    assert len(codes.remove(slice(None))) == 0


def test_the_zip_of_windows_is_not_compressed(tmp_path: Path) -> None:
    write_codes(tmp_path / "codes.npz", windowed([4]))
    with zipfile.ZipFile(tmp_path / "codes.npz") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
