"""Packed bits and the codes file."""

from __future__ import annotations

import io
import mmap
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainpipe.hashing.retrieval.codes import Codes, joined, pack, read_codes, unpack, write_codes
from chainpipe.pipeline.errors import DamageError, NotFoundError, StorageError, UsageError
from chainpipe.pipeline.records import Split
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes


def same(one: Codes, other: Codes) -> bool:
    arrays_agree = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("packed", "video_ids", "labels", "split")
    )
    rest = [(c.bits, c.paths, c.label_names, c.origin) for c in (one, other)]
    return arrays_agree and rest[0] == rest[1]


def written(path: Path, bits: int = 11, n: int = 3) -> Codes:
    codes = sample_codes(
        random_bits(n, bits), [[0], [1, 2], []][:n], [Split.TRAIN, Split.TEST, Split.NONE][:n]
    )
    write_codes(path, codes)
    return codes


@given(arrays(np.bool_, st.tuples(st.integers(0, 5), st.integers(1, 256))))
def test_unpacking_gives_back_what_was_packed(bits: np.ndarray) -> None:
    assert np.array_equal(unpack(pack(bits), bits.shape[1]), bits)


@given(st.integers(1, 256), st.data())
def test_bit_j_is_in_byte_j_div_8_least_significant_first(bits: int, data: st.DataObject) -> None:
    j = data.draw(st.integers(0, bits - 1))
    packed = pack(np.arange(bits)[None] == j)
    expected = np.zeros((1, -(-bits // 8)), np.uint8)
    expected[0, j // 8] = 2 ** (j % 8)
    assert np.array_equal(packed, expected)


def test_packing_and_unpacking_refuse_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(N, K\), not \(3,\)"):
        pack(np.zeros(3, bool))
    with pytest.raises(ValueError, match=r"codes of 9 bits are \(N, 2\), not \(1, 1\)"):
        unpack(np.zeros((1, 1), np.uint8), 9)


@pytest.mark.parametrize("bits", [1, 8, 11, 64, 256])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_codes_file_gives_back_what_was_written(tmp_path: Path, bits: int, n: int) -> None:
    codes = written(tmp_path / "codes.npz", bits, n)
    assert same(read_codes(tmp_path / "codes.npz"), codes)
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]


def test_labels_are_named_row_by_row(tmp_path: Path) -> None:
    codes = written(tmp_path / "codes.npz")
    assert [codes.names_of(row) for row in range(3)] == [("cat",), ("caf\udce9", "dog; cow"), ()]
    assert repr(codes) == "Codes(3 videos x 11 bits)"


def test_numpy_opens_the_file_without_pickle_and_nothing_is_compressed(tmp_path: Path) -> None:
    codes = written(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz", allow_pickle=False) as found:
        assert np.array_equal(found["codes"], codes.packed)
        assert int(found["bits"]) == 11
        start, end = found["path_offsets"][1:3]
        assert found["path_bytes"][start:end].tobytes() == codes.paths[1]
    with zipfile.ZipFile(tmp_path / "codes.npz") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_equal_codes_make_equal_files(tmp_path: Path) -> None:
    written(tmp_path / "one.npz")
    written(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no codes at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_codes_file_is_not_found(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "codes.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotFoundError, match=r"codes\.npz") as caught:
        read_codes(path)
    assert "chainpipe encode" in str(caught.value.hint)


def test_a_file_that_is_read_is_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    written(tmp_path / "codes.npz")
    codes = read_codes(tmp_path / "codes.npz")
    assert isinstance(codes.video_ids.base, mmap.mmap)
    with pytest.raises(ValueError, match="read-only"):
        codes.packed[0] = 1


def test_the_digest_of_a_stores_table_is_kept_for_whole_codes_only(tmp_path: Path) -> None:
    codes = replace(sample_codes(random_bits(3, 11)), table_sha256="ab" * 32)
    codes.save(tmp_path / "codes.npz")
    found = Codes.load(tmp_path / "codes.npz")
    assert found.table_sha256 == "ab" * 32
    assert found[:].table_sha256 == joined([found, found]).table_sha256 == ""


def test_a_folder_or_another_npz_is_no_codes_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", weights=np.ones(3))
    for path in (tmp_path, tmp_path / "other.npz"):
        with pytest.raises(NotFoundError, match="codes file"):
            read_codes(path)


def test_a_truncated_file_is_damaged_wherever_it_was_cut(tmp_path: Path) -> None:
    written(tmp_path / "codes.npz")
    whole = (tmp_path / "codes.npz").read_bytes()
    for length in range(4, len(whole), 37):
        (tmp_path / "codes.npz").write_bytes(whole[:length])
        with pytest.raises(DamageError, match="damaged"):
            read_codes(tmp_path / "codes.npz")


def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path: Path) -> None:
    """A zip file has a few bytes without meaning, such as its dates."""
    path = tmp_path / "codes.npz"
    codes = written(path)
    whole = path.read_bytes()
    found = 0
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        try:
            assert same(read_codes(path), codes)
        except (DamageError, NotFoundError):
            found += 1
    assert found > len(whole) / 3 * 0.8


def rewrite(path: Path, name: str, content: np.ndarray | bytes | None) -> None:
    """Put another array into a codes file, or take one out."""
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    if isinstance(content, np.ndarray):
        buffer = io.BytesIO()
        np.save(buffer, content, allow_pickle=True)
        content = buffer.getvalue()
    parts[f"{name}.npy"] = content or b""
    if content is None:
        del parts[f"{name}.npy"]
    with zipfile.ZipFile(path, "w") as archive:
        for filename, part in parts.items():
            archive.writestr(filename, part)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("codes", None),
        ("codes", np.zeros((3, 3), np.uint8)),
        ("codes", np.full((3, 2), 255, np.uint8)),
        ("ids", np.zeros((3, 32), np.int64)),
        ("ids", np.array([object()] * 3)),
        ("bits", np.arange(3)),
        ("path_offsets", np.array([0, 5, 4, 9])),
        ("path_offsets", np.empty(0, np.int64)),
        ("path_offsets", np.array([0.0, np.nan, 9.0])),
        ("model", np.array("{}")),
        ("model", np.array('{"fingerprint": 3}')),
        ("split", b"no array"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_damaged(
    tmp_path: Path, name: str, content: np.ndarray | bytes | None
) -> None:
    written(tmp_path / "codes.npz")
    rewrite(tmp_path / "codes.npz", name, content)
    with pytest.raises(DamageError, match=r"codes\.npz"):
        read_codes(tmp_path / "codes.npz")


def test_a_compressed_file_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "codes.npz")
    with np.load(tmp_path / "codes.npz") as found:
        np.savez_compressed(tmp_path / "small.npz", **found)
    with pytest.raises(DamageError, match="compressed"):
        read_codes(tmp_path / "small.npz")


def test_a_failed_write_says_where_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "codes.npz"
    old = written(path)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match=r"codes\.npz.*No space left"):
        write_codes(path, old)
    assert same(read_codes(path), old)
    assert [one.name for one in tmp_path.iterdir()] == ["codes.npz"]


def test_a_missing_folder_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        written(tmp_path / "nowhere" / "codes.npz")


def test_codes_check_themselves() -> None:
    codes = sample_codes(random_bits(3, 11))
    with pytest.raises(
        ValueError, match=r"`video_ids` must be \(3, 32\) uint8, not \(2, 32\) uint8"
    ):
        replace(codes, video_ids=codes.video_ids[:2])
    with pytest.raises(ValueError, match="codes of 3 bits have other bits set"):
        replace(codes, packed=np.full((3, 1), 8, np.uint8), bits=3)


def test_joined_codes_stand_one_after_the_other() -> None:
    codes = sample_codes(random_bits(5, 11), [[0], [1], [], [2], [0]])
    parts = [
        replace(
            codes,
            **{
                name: getattr(codes, name)[rows]
                for name in ("packed", "video_ids", "labels", "split")
            },
            paths=codes.paths[rows],
        )
        for rows in (slice(0, 2), slice(2, 5))
    ]
    assert same(joined(parts), codes)
    with pytest.raises(ValueError, match="different bits"):
        joined([codes, sample_codes(random_bits(5, 12))])


def test_only_codes_files_are_replaced(tmp_path: Path) -> None:
    np.savez(tmp_path / "features.npz", feats=np.zeros((3, 4), "f4"))
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    for name in ("features.npz", "clip.mp4"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(UsageError, match=r"is there, and is no codes file"):
            written(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    path = tmp_path / "codes.npz"
    written(path)
    path.write_bytes(path.read_bytes()[:-100])  # cut short: nothing is lost
    assert same(written(path), read_codes(path))
