"""Published feature files as a store, on small files of exactly their layout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.sparse import csc_matrix

from chainpipe.pipeline.errors import ChainpipeError, DamageError, NotFoundError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store, verify
from chainpipe.pipeline.store.published.labels import read_labels
from chainpipe.pipeline.store.published.store import PublishedStore
from tests.published_sets import CLASSES, DIM, FRAMES, SETS, write_feats, write_set

ROOT = Path(__file__).parents[4]
TRAIN, TEST, QUERY, DATABASE = Split.TRAIN, Split.TEST, Split.QUERY, Split.DATABASE


def opened(folder: Path) -> PublishedStore:
    store = open_store(folder)
    assert isinstance(store, PublishedStore)
    return store


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", list(SETS))
def test_a_set_opens_by_its_files_with_every_row_in_its_place(
    name: str, dtype: str, tmp_path: Path
) -> None:
    written = write_set(tmp_path / name, name, dtype=dtype)
    feats = np.concatenate([written[file] for file in SETS[name]])
    with opened(tmp_path / name) as store:
        assert store.shape == feats.shape
        assert store.meta.dtype == dtype
        found = store.features(slice(None))
        assert found.dtype == dtype
        assert np.array_equal(found, feats)
        assert store.meta.fingerprint.backbone == f"published:{name}"
        start = 0
        for file, (count, label_file, _) in SETS[name].items():
            rows = slice(start, start + count)
            assert store.videos.paths[start] == f"{file}#0".encode()
            expected = written[label_file] if label_file else np.zeros((count, CLASSES))
            assert np.array_equal(store.videos.labels[rows], expected)
            start += count


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("fcv", {TRAIN: 40, TEST: 30}),
        ("activitynet", {TRAIN: 40, DATABASE: 30, QUERY: 10}),
        ("ucf", {TRAIN: 40, TEST: 12}),
        ("hmdb", {TRAIN: 40, TEST: 12}),
        ("yfcc", {TRAIN: 45, DATABASE: 29, QUERY: 8}),
    ],
)
def test_splits_are_what_the_protocols_need(
    name: str, splits: dict[Split, int], tmp_path: Path
) -> None:
    write_set(tmp_path, name)
    with opened(tmp_path) as store:
        numbers, counts = np.unique(store.videos.split, return_counts=True)
    assert dict(zip(map(Split, numbers.tolist()), counts.tolist(), strict=True)) == splits


@pytest.fixture(scope="module")
def fcv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets") / "fcv"
    write_set(folder, "fcv")
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(-70, 69), max_size=12))
def test_any_rows_in_any_order_come_as_asked(fcv: Path, rows: list[int]) -> None:
    with opened(fcv) as store:
        whole = store.features(slice(None))
        assert np.array_equal(store.features(np.array(rows, np.int64)), whole[rows])
    with opened(fcv) as store, pytest.raises(IndexError):
        store.features(np.array([70]))


def test_features_are_read_by_slices_and_never_whole(tmp_path: Path) -> None:
    """Rows 20 and 24 of a file are broken: what does not touch them still comes."""
    feats = write_set(tmp_path, "fcv")["fcv_test_feats.h5"]
    path = tmp_path / "fcv_test_feats.h5"
    with h5py.File(path, "w") as file:
        chunks = (1, FRAMES, DIM)
        data = file.create_dataset("feats", data=feats, chunks=chunks, fletcher32=True)
        places = [data.id.get_chunk_info_by_coord((row, 0, 0)).byte_offset for row in (20, 24)]
    store = opened(tmp_path)
    store.close()
    with path.open("r+b") as raw:
        for place in places:
            raw.seek(place)
            raw.write(b"\xff\x01")
    with opened(tmp_path) as store:
        assert np.array_equal(store.features(slice(40, 60)), feats[:20])
        with pytest.raises(DamageError, match=r"fcv_test_feats\.h5` is damaged in rows 15-21"):
            store.features(slice(55, 62))
        assert store.bad_rows() == [60, 64]
        assert verify(tmp_path)


def test_what_is_not_published_is_left_open(fcv: Path) -> None:
    rows = slice(0, 3)
    with opened(fcv) as store:
        assert np.isnan(store.seconds(rows)).all()
        assert store.index(rows).tolist() == [list(range(FRAMES))] * 3
        assert store.candidates(rows).shape == (3, FRAMES, 0, DIM)
        assert store.candidate_seconds(rows).shape == store.candidate_index(rows).shape
        assert store.views(rows).shape == (3, 0, FRAMES, DIM)
        assert store.augmentation() is None
        assert list(store.damage()) == []
        assert repr(store).endswith("70 videos x 6 frames x 10)")


def test_ids_and_fingerprint_are_stable_and_follow_the_content(tmp_path: Path) -> None:
    for name in ("one", "two", "other"):
        write_set(tmp_path / name, "ucf")
    feats = np.zeros((12, FRAMES, DIM), np.float32)
    write_feats(tmp_path / "other" / "ucf_test_feats.h5", feats)
    one, two, other = (opened(tmp_path / name) for name in ("one", "two", "other"))
    assert one.meta.fingerprint == two.meta.fingerprint != other.meta.fingerprint
    assert np.array_equal(one.videos.ids, two.videos.ids)
    assert len(np.unique(one.videos.ids, axis=0)) == len(np.unique(one.videos.checksums, axis=0))
    same = (one.videos.checksums == other.videos.checksums).all(axis=1)
    assert same.tolist() == [True] * 40 + [False] * 12
    for store in (one, two, other):
        store.close()


def harm_feats(shape: tuple[int, ...], dtype: str = "float32", key: str = "feats") -> object:
    def harm(folder: Path) -> None:
        write_feats(folder / "ucf_test_feats.h5", np.zeros(shape, dtype), key)

    return harm


def harm_labels(values: object, key: str = "labels") -> object:
    return lambda folder: savemat(folder / "ucf_test_labels.mat", {key: values})


def write_bytes(name: str) -> object:
    return lambda folder: (folder / name).write_bytes(b"not what it should be" * 40)


@pytest.mark.parametrize(
    ("harm", "kind", "message", "hint"),
    [
        (harm_feats((12, 60)), DamageError, r"`feats` of 12 x 60 float32", "float16 or float32"),
        (harm_feats((12, 6, 10), "int32"), DamageError, "int32", "float16 or float32"),
        (harm_feats((0, 6, 10)), DamageError, "0 x 6 x 10", "videos x frames"),
        (harm_feats((12, 6, 10), key="x"), DamageError, "has no `feats`", "data set `feats`"),
        (harm_feats((12, 6, 9)), DamageError, "features of 6 frames x 9", "6 frames x 10 numbers"),
        (harm_feats((11, 6, 10)), DamageError, "`labels` of 12 x 4", "`labels` of 11 videos"),
        (harm_labels(np.eye(4)), DamageError, "`labels` of 4 x 4", "of 12 videos x classes"),
        (harm_labels(np.full((12, 4), 2)), DamageError, "other values", "of 0 and 1"),
        (harm_labels(np.ones((12, 5))), DamageError, "has 5 classes", "expected 4"),
        (harm_labels(np.ones((12, 4)), "label"), DamageError, "has no `labels`", "matrix `labels`"),
        (write_bytes("ucf_test_labels.mat"), DamageError, "not a sound MATLAB file", "expected"),
        (write_bytes("ucf_test_feats.h5"), DamageError, "not a sound HDF5 file", "expected"),
        (
            lambda folder: (folder / "ucf_train_labels.mat").unlink(),
            NotFoundError,
            "lacks `ucf_train_labels.mat`",
            "consists of ucf_train_feats.h5",
        ),
    ],
)
def test_a_file_that_is_not_as_published_is_named_with_what_was_expected(
    harm: Callable[[Path], object],
    kind: type[ChainpipeError],
    message: str,
    hint: str,
    tmp_path: Path,
) -> None:
    write_set(tmp_path, "ucf")
    harm(tmp_path)
    with pytest.raises(kind, match=message) as caught:
        open_store(tmp_path)
    assert "ucf_t" in str(caught.value)
    assert hint in str(caught.value.hint)


def test_wider_floats_are_read_as_float32(tmp_path: Path) -> None:
    written = write_set(tmp_path, "hmdb", dtype="float64")
    with opened(tmp_path) as store:
        assert store.meta.dtype == "float32"
        expected = written["hmdb_train_feats.h5"][:3].astype(np.float32)
        assert np.array_equal(store.features(slice(0, 3)), expected)


def test_labels_of_every_matlab_version_are_read(tmp_path: Path) -> None:
    labels = (np.arange(15).reshape(5, 3) % 2).astype(float)
    savemat(tmp_path / "v4.mat", {"labels": labels}, format="4")
    savemat(tmp_path / "v5.mat", {"labels": labels.astype(np.uint8)}, do_compression=True)
    savemat(tmp_path / "sparse.mat", {"labels": csc_matrix(labels)})
    write_matlab_73(tmp_path / "v73.mat", labels)
    for name in ("v4", "v5", "sparse", "v73"):
        assert np.array_equal(read_labels(tmp_path / f"{name}.mat", "labels", 5), labels), name


def write_matlab_73(path: Path, labels: np.ndarray) -> None:
    """Write what MATLAB's `save -v7.3` does: an HDF5 file behind 512 bytes of words."""
    with h5py.File(path, "w", userblock_size=512) as file:
        file["labels"] = labels.T  # columns first
    words = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + b"\0" * 8 + b"\x00\x02IM"
    with path.open("r+b") as file:
        file.write(words)


def test_one_file_alone_does_not_make_a_folder_a_store(tmp_path: Path) -> None:
    write_feats(tmp_path / "train_feats.h5", np.zeros((2, FRAMES, DIM), np.float32))
    with pytest.raises(NotFoundError, match="not a chainpipe feature store"):
        open_store(tmp_path)


def test_info_and_verify_show_a_published_folder(fcv: Path) -> None:
    for verb in (["info"], ["info", "--json"], ["verify"]):
        words = [sys.executable, "-m", "chainpipe", *verb[:1], str(fcv), *verb[1:]]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert "70" in done.stdout + done.stderr
