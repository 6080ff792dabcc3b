"""What is written is read, bit for bit, in both formats, here and by other programs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.records import FailedVideo, Status, StoreMeta, VideoFeatures
from chainpipe.pipeline.store import invalid_reason, iter_rows, open_store, parts_of, write_store
from tests.pipeline.store.store_samples import (
    FAILED,
    LABELS,
    META,
    RICH,
    ROOT,
    STATISTICS,
    make,
    numbers,
    plain,
    video,
    videos,
)

BOTH = pytest.mark.parametrize("suffix", [".h5", ".zarr"])


@BOTH
@pytest.mark.parametrize(("count", "meta"), [(1, META), (300, META), (140, RICH)])
def test_every_column_of_every_row_comes_back(
    tmp_path: Path, suffix: str, count: int, meta: StoreMeta
) -> None:
    rows = videos(count, meta)
    with open_store(make(tmp_path / f"feats{suffix}", rows, meta)) as store:
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in rows]
        assert (store.meta, store.root, store.failed) == (meta, ROOT, FAILED)
        assert numbers(store.augmentation()) == numbers(STATISTICS if meta.views else None)
        assert store.bad_rows() == []
        assert store.videos.label_names == LABELS
        assert store.shape == (count, 4, 6)
        assert list(store.damage()) == []


names = st.lists(st.integers(1, 255), min_size=1, max_size=40).map(bytes)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
patterns = st.binary(min_size=48, max_size=48)  # any bits of 4 x 6 halves, NaN among them


@BOTH
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given=st.lists(st.tuples(names, patterns, st.sets(st.integers(0, 2))), min_size=1, max_size=5),
    labels=st.lists(words, min_size=3, max_size=3, unique=True),
    root=names,
    message=words,
)
def test_any_value_name_and_label_comes_back(
    tmp_path: Path,
    suffix: str,
    given: list[tuple[bytes, bytes, set[int]]],
    labels: list[str],
    root: bytes,
    message: str,
) -> None:
    rows = [
        replace(
            video(number),
            path=path,
            features=np.frombuffer(bits, "<f2").reshape(4, 6),
            labels=tuple(labels[place] for place in sorted(own)),
        )
        for number, (path, bits, own) in enumerate(given)
    ]
    failed = [FailedVideo(row.path, Status.LIMIT, message, 1, message, message) for row in rows]
    out = tmp_path / f"feats{suffix}"
    write_store(
        out,
        root=root,
        meta=META,
        rows=rows,
        count=len(rows),
        failed=failed,
        label_names=labels,
        allow_nan=True,
    )
    with open_store(out) as store:
        assert [plain(row) for row in iter_rows(store)] == [plain(row) for row in rows]
        assert (store.root, store.failed, store.videos.label_names) == (
            root,
            tuple(failed),
            tuple(labels),
        )


@BOTH
def test_rows_are_given_in_the_order_asked(tmp_path: Path, suffix: str) -> None:
    rows = videos(140, RICH)
    wanted = np.array([5, 139, 3, 3, -1, 128, 0])
    fields = ("features", "seconds", "index", "views")
    beside = ("candidates", "candidate_seconds", "candidate_index")
    with open_store(make(tmp_path / f"feats{suffix}", rows, RICH)) as store:
        for field in (*fields, *beside):
            read = getattr(store, field)
            truth = np.stack([getattr(row, field) for row in rows])
            assert np.array_equal(read(wanted), truth[wanted])
            for part in (
                slice(None),
                slice(120, 135),
                slice(20, 2, -3),
                slice(-4, None),
                slice(9, 2),
            ):
                assert np.array_equal(read(part), truth[part])
            assert read(np.array([], dtype=np.int64)).shape == (0, *truth.shape[1:])


@BOTH
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.array([0, 3]), "row 3 of 3 rows"),
        (np.array([-4]), "row -4 of 3 rows"),
        (np.array([True, False, True]), "a list of numbers, not bool"),
        (np.array([[0]]), r"not int64 \(1, 1\)"),
    ],
)
def test_rows_that_do_not_exist_are_refused(
    tmp_path: Path, suffix: str, rows: np.ndarray, words: str
) -> None:
    with (
        open_store(make(tmp_path / f"feats{suffix}", videos(3))) as store,
        pytest.raises(IndexError, match=words),
    ):
        store.features(rows)


@BOTH
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_features_are_stored_in_the_dtype_of_the_settings(
    tmp_path: Path, suffix: str, dtype: str
) -> None:
    meta = replace(META, dtype=dtype)
    wide = replace(video(0), features=np.full((4, 6), 1 / 3))
    with open_store(make(tmp_path / f"feats{suffix}", [wide], meta)) as store:
        assert store.features(slice(None)).dtype == np.dtype(dtype)
        assert store.features(slice(None))[0, 0, 0] == np.array(1 / 3, dtype)
        assert store.meta == meta


@BOTH
def test_nan_and_infinity_are_stored_where_that_is_asked(tmp_path: Path, suffix: str) -> None:
    odd = np.tile([np.nan, np.inf, -np.inf, 1e9, -0.0, 6e-8], (4, 1)).astype("f4")
    row = replace(video(0), features=odd, labels=())
    out = tmp_path / f"feats{suffix}"
    write_store(out, root=ROOT, meta=META, rows=[row], count=1, allow_nan=True)
    with open_store(out) as store:
        found = store.features(slice(None))[0]
        assert list(store.damage()) == []
    with np.errstate(over="ignore"):
        assert found.tobytes() == odd.astype("f2").tobytes()


@BOTH
def test_what_was_not_cached_has_no_length(tmp_path: Path, suffix: str) -> None:
    with open_store(make(tmp_path / f"feats{suffix}", videos(3))) as store:
        some = np.array([2, 0])
        assert store.candidates(some).shape == (2, 4, 0, 6)
        assert store.candidates(some).dtype == np.float16
        assert store.candidate_seconds(slice(None)).shape == (3, 4, 0)
        assert store.candidate_index(slice(0, 1)).shape == (1, 4, 0)
        assert store.views(some).shape == (2, 0, 4, 6)
        assert store.augmentation() is None
        with pytest.raises(IndexError, match="row 3 of 3 rows"):
            store.views(np.array([3]))


@BOTH
def test_rows_of_zeros_are_taken(tmp_path: Path, suffix: str) -> None:
    """A network may give them for a constant frame; zeros that nobody wrote are found elsewhere."""
    black = replace(video(0), features=np.zeros((4, 6), "f2"))
    assert invalid_reason(black, META) is None
    with open_store(make(tmp_path / f"feats{suffix}", [black])) as store:
        assert not store.features(slice(None)).any()


def test_statistics_of_another_backbone_are_refused(tmp_path: Path) -> None:
    wide = replace(META, fingerprint=replace(META.fingerprint, dim=8))
    with pytest.raises(ValueError, match=r"2 directions of 6.* in a store of 8 numbers a frame"):
        write_store(
            tmp_path / "feats.h5",
            root=ROOT,
            meta=wide,
            rows=videos(1, wide),
            count=1,
            label_names=LABELS,
            augmentation=STATISTICS,
        )


@BOTH
def test_a_store_without_labels_has_a_table_without_columns(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"feats{suffix}"
    write_store(out, root=ROOT, meta=META, rows=[replace(video(0), labels=())], count=1)
    with open_store(out) as store:
        assert (store.videos.labels.shape, store.failed) == ((1, 0), ())


@BOTH
def test_the_same_rows_make_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    one, two = (make(tmp_path / f"{name}{suffix}", videos(150)) for name in "ab")
    files = [path for path in [one, *one.rglob("*")] if path.is_file()]
    assert files
    for path in files:
        duplicate = two / path.relative_to(one) if one.is_dir() else two
        assert path.read_bytes() == duplicate.read_bytes()


@BOTH
def test_writing_again_replaces_the_whole_store(tmp_path: Path, suffix: str) -> None:
    out = make(tmp_path / f"feats{suffix}", videos(140))
    make(out, videos(2))
    with open_store(out) as store:
        assert len(store.videos) == 2
        assert list(store.damage()) == []
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_plain_h5py_finds_the_contract_names(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.h5", videos(5, RICH), RICH)
    with h5py.File(path) as file:
        feats = file["feats"]
        assert (feats.shape, feats.dtype, feats.chunks) == ((5, 4, 6), np.dtype("f2"), (1, 4, 6))
        assert (file["candidates"].chunks, file["views"].chunks) == ((1, 4, 3, 6), (1, 2, 4, 6))
        assert file["candidate_seconds"].shape == file["candidate_index"].shape == (5, 4, 3)
        for name in ("candidates", "views"):
            digest = hashlib.sha256(file[name][4].tobytes()).digest()
            assert file[f"video/{name}_checksum"][4].tobytes() == digest
        times = ("seconds", "index", "candidate_seconds", "candidate_index")
        joined = b"".join(file[name][3].tobytes() for name in times)
        assert file["video/times_checksum"][3].tobytes() == hashlib.sha256(joined).digest()
        assert file["augmentation/basis"].shape == (2, 6)
        assert file["failed/command"][0] == b"av 18"
        assert feats.fletcher32
        assert file["video/path"][1] == b"-x/\xff\n0001.mp4"
        assert file["label_names"].asstr(errors="surrogateescape")[1] == LABELS[1]
        assert h5py.check_enum_dtype(file["video/split"].dtype)["train"] == 1
        assert h5py.check_enum_dtype(file["video/status"].dtype)["no_video"] == 4
        assert file["video/checksum"][2].tobytes() == hashlib.sha256(feats[2].tobytes()).digest()
        assert file["failed/path"][0] == b"bad\xfe.mp4"
        assert file.attrs["format"] == b"chainpipe-features"
        assert (file.attrs["version"], file.userblock_size) == (1, 512)


def test_plain_zarr_finds_the_contract_names(tmp_path: Path) -> None:
    path = make(tmp_path / "feats.zarr", videos(130))
    group = zarr.open_group(path, mode="r")
    feats = group["feats"]
    assert isinstance(feats, zarr.Array)
    assert (feats.chunks, feats.shards, feats.dtype) == ((1, 4, 6), (128, 4, 6), np.dtype("f2"))
    assert np.array_equal(feats[129], video(129).features)
    assert group.attrs["backbone"] == "cnn:tiny"
    assert "crc32c" in (path / "feats" / "zarr.json").read_text()
    assert sorted(group["video"].array_keys())[:2] == ["blank", "checksum"]  # type: ignore[union-attr]


@BOTH
def test_rows_that_break_their_promise_leave_nothing(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"feats{suffix}"
    short = replace(META, frames=3)
    nan, large, lost = video(0), video(0), video(0, RICH)
    nan.features[2, 3] = np.nan
    large = replace(large, features=np.full((4, 6), 1e9))
    lost = replace(lost, views=np.full((2, 4, 6), np.inf))
    cases: list[tuple[list[VideoFeatures], StoreMeta, int, str]] = [
        (videos(2), META, 3, "2 videos, but 3 were promised"),
        (videos(2), META, 1, "more than the 1 videos"),
        (videos(1), short, 1, "4 frames x 6.*: `feats` is 4 x 6, in this store it is 3 x 6"),
        (videos(1), RICH, 1, "`candidate_seconds` is none, in this store it is 4 x 3"),
        (videos(1, RICH), replace(RICH, views=3), 1, "`views` is 2 x 4 x 6, .* is 3 x 4 x 6"),
        (videos(1, RICH), META, 1, "has `.*`, which the store has not"),
        ([nan], META, 1, "1 of 24 numbers of `feats` are NaN or infinite as float16"),
        ([large], META, 1, "24 of 24 numbers of `feats`"),
        ([lost], RICH, 1, "48 of 48 numbers of `views`"),
        ([replace(video(0), labels=("dog",))], META, 1, "the label `dog`"),
        ([], META, 0, "at least one video"),
    ]
    for rows, meta, count, words in cases:
        with pytest.raises(ValueError, match=words):
            write_store(out, root=ROOT, meta=meta, rows=rows, count=count, label_names=LABELS)
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_a_label_that_no_utf8_can_hold_is_stored_with_a_question_mark(
    tmp_path: Path, suffix: str
) -> None:
    row = replace(video(0), labels=("a\ud800\0",))
    out = tmp_path / f"feats{suffix}"
    write_store(out, root=ROOT, meta=META, rows=[row], count=1, label_names=row.labels)
    with open_store(out) as store:
        assert store.videos.names_of(0) == ("a??",)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no store format for `.*feats\.npz`"):
        make(tmp_path / "feats.npz", videos(1))


def test_a_missing_store_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no feature store") as caught:
        open_store(tmp_path / "feats.h5")
    assert "chainpipe extract VIDEOS --out" in str(caught.value.hint)


@pytest.mark.parametrize("asked", ["feats.h5", "feats.h5.parts"])
def test_an_unfinished_store_says_how_to_continue(tmp_path: Path, asked: str) -> None:
    parts_of(tmp_path / "feats.h5").mkdir()
    with pytest.raises(NotFoundError, match=r"feats\.h5` is not finished") as caught:
        open_store(tmp_path / asked)
    assert "continues it" in str(caught.value.hint)


def test_what_is_not_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    (tmp_path / "empty.h5").touch()
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "json.zarr").mkdir()
    (tmp_path / "json.zarr" / "zarr.json").write_text("{}")
    zarr.open_group(tmp_path / "stranger.zarr", mode="w").create_array(
        "feats", shape=(2,), dtype="f4"
    )
    with h5py.File(tmp_path / "stranger.h5", "w") as file:
        file["feats"] = np.zeros((2, 25, 8))
    for path in tmp_path.iterdir():
        with pytest.raises(
            NotFoundError, match=f"`{path}` is not a chainpipe feature store"
        ) as caught:
            open_store(path)
        verb = "import" if path.name == "stranger.h5" else "extract"
        assert f"chainpipe {verb}" in str(caught.value.hint)


@BOTH
def test_a_store_of_a_later_format_is_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr("chainpipe.pipeline.store.layout.VERSION", 3)
        path = make(tmp_path / f"feats{suffix}", videos(1))
    with pytest.raises(UsageError, match="has store format 3; this chainpipe reads up to 2"):
        open_store(path)
