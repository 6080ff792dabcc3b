"""Features of one's own as a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainpipe import DamageError, NotFoundError, Store, UsageError, store_from_arrays

RNG = np.random.default_rng(0)
CLIPS = RNG.normal(size=(7, 5, 4)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("where", ["array", "list", "npy", "folder"])
def test_features_are_what_was_given(tmp_path: Path, dtype: type, where: str) -> None:
    clips = CLIPS.astype(dtype)
    store = given(clips, where, tmp_path)
    wanted = clips.astype(np.float16 if dtype == np.float16 else np.float32)
    assert store.shape == (7, 5, 4)
    assert len(store) == len(store.features) == 7
    assert store.features.dtype == store.features[0].dtype == wanted.dtype
    assert np.array_equal(np.asarray(store.features), wanted)
    rows: list[Any] = [3, -1, slice(2, 6, 2), [4, 0, 4], wanted[:, 0, 0] > 0, slice(0)]
    for one in rows:
        assert np.array_equal(store.features[one], wanted[one]), one


def given(clips: np.ndarray, where: str, folder: Path) -> Store:
    if where == "npy":
        np.save(folder / "clips.npy", clips)
        return store_from_arrays(folder / "clips.npy")
    if where == "folder":
        for row, clip in enumerate(clips):
            np.save(folder / f"clip{row}.npy", clip)
        return store_from_arrays(str(folder))
    return store_from_arrays(list(clips) if where == "list" else clips)


def test_one_frame_a_video_may_be_two_axes(tmp_path: Path) -> None:
    flat = CLIPS[:, 0]
    for row, one in enumerate(flat):
        np.save(tmp_path / f"{row}.npy", one)
    for features in (flat, list(flat), tmp_path):
        assert np.array_equal(store_from_arrays(features).features[:], flat[:, None])


def test_files_of_a_folder_are_rows_by_their_names(tmp_path: Path) -> None:
    for name in ("b", "a/2", "a/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", np.full((3, 2), len(name), np.float32))
    store = store_from_arrays(tmp_path)
    assert store.ids == ("a/1", "a/2", "b")
    assert store.features[:,][2, 0, 0] == 1
    assert store.path == tmp_path


def test_videos_of_different_length_need_a_number_of_frames() -> None:
    """Each takes the middles of T equal segments, as extraction does."""
    clips = [np.arange(2.0 * t).reshape(t, 2) for t in (3, 10, 1)]
    with pytest.raises(UsageError, match="from 1 to 10 frames") as caught:
        store_from_arrays(clips)
    assert "frames=25" in str(caught.value.hint)
    store = store_from_arrays(clips, frames=4)
    for clip, found in zip(clips, store.features[:], strict=True):
        rows = [int((2 * i + 1) * len(clip) / 8) for i in range(4)]
        assert np.array_equal(found, clip[rows])


def test_ids_labels_and_splits_come_back() -> None:
    store = store_from_arrays(
        CLIPS[:4],
        ids=["a", b"b\xff", "c/d.mp4", "e"],
        labels=["cat", ["dog", "cat"], None, ""],
        splits=["train", "test", None, "query"],
    )
    assert store.ids == ("a", "b\udcff", "c/d.mp4", "e")
    assert store.paths == (b"a", b"b\xff", b"c/d.mp4", b"e")
    assert store.label_names == ("cat", "dog")
    assert [store.names_of(row) for row in range(4)] == [("cat",), ("cat", "dog"), (), ()]
    assert store.splits == ("train", "test", "none", "query")
    assert store_from_arrays(CLIPS).ids == tuple("0123456")


def test_labels_may_be_integers_or_multi_hot() -> None:
    numbered = store_from_arrays(CLIPS[:4], labels=np.array([10, -1, 9, 10]))
    assert numbered.label_names == ("9", "10")
    assert numbered.labels.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
    hot = np.array([[1, 0, 1], [0, 0, 0]])
    assert store_from_arrays(CLIPS[:2], labels=hot).labels.tolist() == hot.tolist()


def test_equal_features_are_one_video() -> None:
    twice = np.concatenate([CLIPS, CLIPS[:2]])
    ids = store_from_arrays(twice).video_ids
    assert np.array_equal(ids[:2], ids[7:])
    assert len(np.unique(ids, axis=0)) == 7


@pytest.mark.parametrize(
    ("features", "named"),
    [
        (np.zeros(5, np.float32), r"are \[5\], not \[N, T, D\] or \[N, D\]"),
        (np.zeros((2, 3, 4, 5), np.float32), r"\[2, 3, 4, 5\]"),
        (np.zeros((2, 0, 4), np.float32), r"\[2, 0, 4\]"),
        (np.zeros((2, 3, 4), np.int64), "are int64"),
        (np.array(["a", "b"]), "are"),
        ([np.zeros((3, 4)), np.zeros((3, 5))], r"video 1 are \[3, 5\], not \[T, 4\]"),
        ([np.zeros((3, 4)), np.zeros((1, 3, 4))], "video 1"),
        (object(), r"\[\]"),
    ],
)
def test_what_are_no_features_is_refused(features: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        store_from_arrays(features)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"ids": ["a"]}, "`ids` has 1 entries, but there are 3 videos"),
        ({"ids": ["a", "b", "a"]}, "the id `a` comes twice"),
        ({"ids": ["a", "b", 1.5]}, "`1.5` is no id"),
        ({"labels": ["x", "y"]}, "`labels` has 2 entries"),
        ({"labels": ["x", 1, "y"]}, "`1` is no label"),
        ({"labels": np.array([[0, 2]] * 3)}, "other values than 0 and 1"),
        ({"labels": np.zeros((2, 4))}, "`labels` has 2 entries"),
        ({"splits": ["train", "valid", "test"]}, "no split `valid`"),
        ({"splits": ["train"]}, "`splits` has 1 entries"),
        ({"frames": 0}, "`frames` is 0"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        store_from_arrays(CLIPS[:3], **columns)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        store_from_arrays(tmp_path / "nowhere.npy")
    with pytest.raises(NotFoundError, match=r"no `\.npy` file"):
        store_from_arrays(tmp_path)
    np.save(tmp_path / "clips.npy", CLIPS)
    whole = (tmp_path / "clips.npy").read_bytes()
    for content in (b"", b"text", whole[:60], whole[:-8]):
        (tmp_path / "clips.npy").write_bytes(content)
        for source in (tmp_path / "clips.npy", tmp_path):
            with pytest.raises(DamageError, match=r"clips\.npy` is not a sound"):
                store_from_arrays(source)


def test_pickled_arrays_and_archives_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    np.savez(tmp_path / "many.npz", CLIPS)
    for name in ("objects.npy", "many.npz"):
        with pytest.raises(DamageError, match="not a sound"):
            store_from_arrays(tmp_path / name)


def test_a_file_that_changed_since_is_damage(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", CLIPS[0])
    store = store_from_arrays(tmp_path)
    np.save(tmp_path / "clip.npy", CLIPS[0, :2])
    with pytest.raises(DamageError, match=r"clip\.npy"):
        _ = store.features[0]


def test_a_memory_mapped_file_is_not_read_into_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "clips.npy", CLIPS)
    source = store_from_arrays(tmp_path / "clips.npy").raw
    assert isinstance(source._source.videos, np.memmap)  # type: ignore[attr-defined]
