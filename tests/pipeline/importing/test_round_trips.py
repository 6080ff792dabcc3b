"""Every format comes back bit by bit, with ids, labels and splits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import datasets
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainpipe.pipeline.importing.source import ColumnNames
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store, verify

from .foreign_samples import (
    ANY_LENGTH,
    COUNT,
    DIM,
    LABELS,
    NAMES,
    ONE_LENGTH,
    SPLITS,
    Writer,
    assert_holds,
    npy_bytes,
    order_of,
    ragged,
    run,
    same_length,
    write_folder,
    write_parquet,
)


def check(path: Path, names: ColumnNames, out: Path, videos: list[np.ndarray]) -> None:
    """Import, and compare all that the store says with what was written."""
    report = run(path, out, names)
    with open_store(out) as store:
        found = [os.fsdecode(name) for name in store.videos.paths]
        rows = order_of(found)
        assert sorted(found) == sorted(NAMES)
        assert_holds(store, [videos[row] for row in rows])
        table = store.videos
        assert [table.names_of(place) for place in range(COUNT)] == [(LABELS[r],) for r in rows]
        assert [Split(one).name.lower() for one in table.split] == [SPLITS[row] for row in rows]
        assert len(np.unique(table.ids, axis=0)) == COUNT
    assert (report.videos, report.labelled, report.bad) == (COUNT, COUNT, ())
    assert list(verify(out)) == []


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("write", [*ONE_LENGTH, *ANY_LENGTH], ids=lambda w: w.__name__)
def test_videos_of_one_length(write: Writer, dtype: str, tmp_path: Path, out: Path) -> None:
    videos = same_length(dtype)
    check(*write(tmp_path, videos), out, videos)
    with h5py.File(out) as file:
        assert file.attrs["version"] == 1
        assert file["feats"].shape == (COUNT, 4, DIM)
        assert np.isnan(file["seconds"][()]).all()


@pytest.mark.parametrize("write", ANY_LENGTH, ids=lambda w: w.__name__)
def test_videos_that_differ_in_length(write: Writer, tmp_path: Path, out: Path) -> None:
    videos = ragged()
    check(*write(tmp_path, videos), out.with_suffix(".zarr"), videos)


def test_a_folder_of_files_labelled_by_folder(tmp_path: Path, out: Path) -> None:
    videos = ragged("float16")
    path, _ = write_folder(tmp_path, videos)
    report = run(path, out, labels="folders", every=0.5)
    with open_store(out) as store:
        rows = order_of([os.fsdecode(name) for name in store.videos.paths])
        assert_holds(store, [videos[row] for row in rows])
        for place, row in enumerate(rows):
            assert store.videos.names_of(place) == (LABELS[row],)
            frames = store.sequence(place)
            assert frames.seconds.tolist() == [0.5 * i for i in range(row + 1)]
            assert store.videos.duration[place] == 0.5 * (row + 1)
    assert report.notes == ()
    assert report.lengths == (1, 12)


def test_named_files_are_one_video_each(tmp_path: Path, out: Path) -> None:
    path, _ = write_folder(tmp_path, ragged())
    some = [path / f"{NAMES[row]}.npy" for row in (5, 2)]
    run(some, out)
    with open_store(out) as store:
        assert [os.fsdecode(p).rpartition("/")[2] for p in store.videos.paths] == [
            NAMES[row].rpartition("/")[2] for row in (5, 2)
        ]


def test_one_vector_a_video_is_one_frame(tmp_path: Path, out: Path) -> None:
    features = np.random.default_rng(2).normal(size=(COUNT, DIM)).astype("float32")
    np.save(tmp_path / "a.npy", features)
    column = pa.FixedSizeListArray.from_arrays(pa.array(features.ravel()), DIM)
    pq.write_table(pa.table({"emb": column}), tmp_path / "a.parquet")
    for name in ("a.npy", "a.parquet"):
        run(tmp_path / name, out, restart=True)
        with open_store(out) as store:
            assert store.shape == (COUNT, 1, DIM)
            assert_holds(store, list(features[:, None]))
            assert store.videos.paths[3] == b"3"


def test_tensors_and_fixed_lists_of_arrow(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    flat = pa.FixedSizeListArray.from_arrays(pa.array(np.stack(videos).ravel()), 4 * DIM)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.stack(videos))
    inner = pa.FixedSizeListArray.from_arrays(pa.array(np.stack(videos).ravel()), DIM)
    fixed = pa.FixedSizeListArray.from_arrays(inner, 4)
    for number, column in enumerate((tensor, fixed, fixed.cast(pa.large_list(inner.type)))):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"flat": flat.slice(0), "emb": column}), path)
        run(path, out, ColumnNames("emb"), restart=True)
        with open_store(out) as store:
            assert_holds(store, videos)


def test_arrays_of_a_dataset_without_parts(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    features = datasets.Features(
        {
            "emb": datasets.Array2D((4, DIM), "float32"),
            "kinds": datasets.List(datasets.ClassLabel(2)),
        }
    )
    columns = {"emb": [video.tolist() for video in videos], "kinds": [[0], [0, 1], []] * 4}
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(tmp_path / "saved")
    run(tmp_path / "saved", out, ColumnNames(labels="kinds"))
    with open_store(out) as store:
        assert_holds(store, videos)
        assert [store.videos.names_of(row) for row in range(3)] == [("0",), ("0", "1"), ()]
        assert set(store.videos.split) == {Split.NONE}


def test_several_files_follow_each_other(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    (tmp_path / "parts").mkdir()
    for number, rows in enumerate((slice(0, 5), slice(5, COUNT))):
        path, names = write_parquet(tmp_path, videos)
        pq.write_table(pq.read_table(path)[rows], tmp_path / "parts" / f"{number}.parquet")
    check(tmp_path / "parts", names, out, videos)
    files = sorted((tmp_path / "parts").iterdir())
    report = run(files, out.with_name("b.h5"), names)
    assert report.videos == COUNT


def test_an_array_in_fortran_order(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    np.save(tmp_path / "f.npy", np.asfortranarray(np.stack(videos)))
    run(tmp_path / "f.npy", out)
    with open_store(out) as store:
        assert_holds(store, videos)


def test_big_endian_numbers_keep_their_values(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    np.save(tmp_path / "b.npy", np.stack(videos).astype(">f4"))
    run(tmp_path / "b.npy", out)
    with open_store(out) as store:
        assert_holds(store, videos)


def test_doubles_are_stored_as_asked(tmp_path: Path, out: Path) -> None:
    doubles = np.random.default_rng(3).normal(size=(COUNT, 2, DIM))
    np.save(tmp_path / "d.npy", doubles)
    for dtype, wanted in (("f2", "float16"), ("float32", "float32")):
        run(tmp_path / "d.npy", out, dtype=dtype, restart=True)
        with open_store(out) as store:
            assert_holds(store, list(doubles.astype(wanted)))


def test_half_and_single_precision_together_are_single(tmp_path: Path, out: Path) -> None:
    halves, singles = same_length("float16"), same_length("float32")
    mixed = [(halves if row % 2 else singles)[row] for row in range(COUNT)]
    path, _ = write_folder(tmp_path, mixed)
    run(path, out)
    with open_store(out) as store:
        rows = order_of([os.fsdecode(name) for name in store.videos.paths])
        assert_holds(store, [mixed[row].astype("float32") for row in rows])


def test_equal_features_have_equal_ids(tmp_path: Path, out: Path) -> None:
    features = np.zeros((3, 2, DIM), "float32")
    features[1] = 1
    np.save(tmp_path / "e.npy", features)
    run(tmp_path / "e.npy", out)
    with open_store(out) as store:
        ids = [bytes(one) for one in store.videos.ids]
        assert ids[0] == ids[2] != ids[1]


def test_class_numbers_and_multi_hot_labels(tmp_path: Path, out: Path) -> None:
    path, names = ONE_LENGTH[2](tmp_path, same_length())
    multi = np.random.default_rng(4).integers(0, 2, (COUNT, 5))
    with h5py.File(path, "a") as file:
        file["numbers"], file["multi"] = np.arange(COUNT) % 4 - 1.0, multi
    run(path, out, replace(names, labels="numbers"))
    with open_store(out) as store:
        assert store.videos.label_names == ("0", "1", "2")
        assert store.videos.names_of(0) == ()
        assert store.videos.names_of(2) == ("1",)
    run(path, out, replace(names, labels="multi"), restart=True)
    with open_store(out) as store:
        assert np.array_equal(store.videos.labels, multi)


def test_a_list_of_labels_fits_by_id_with_or_without_suffix(tmp_path: Path, out: Path) -> None:
    path, _ = write_folder(tmp_path, ragged())
    lines = [f"{NAMES[0]},one,train", f"{NAMES[1]}.mp4,two;three,test", "nobody.mp4,x,"]
    (tmp_path / "labels.csv").write_text("path,label,split\n" + "\n".join(lines))
    report = run(path, out, labels=tmp_path / "labels.csv")
    with open_store(out) as store:
        table = {name: row for row, name in enumerate(store.videos.paths)}
        second = table[NAMES[1].encode()]
        assert store.videos.names_of(table[NAMES[0].encode()]) == ("one",)
        assert set(store.videos.names_of(second)) == {"two", "three"}
        assert store.videos.split[second] == Split.TEST
    assert report.labelled == 2
    assert any("1 line of" in note and "nobody.mp4" in note for note in report.notes)


def test_importing_again_changes_nothing(tmp_path: Path, out: Path) -> None:
    path, names = ONE_LENGTH[0](tmp_path, same_length())
    assert not run(path, out, names).unchanged
    before = out.read_bytes(), out.stat().st_mtime_ns
    assert run(path, out, names).unchanged
    assert (out.read_bytes(), out.stat().st_mtime_ns) == before
    assert not run(path, out, names, restart=True).unchanged
    assert sorted(one.name for one in out.parent.iterdir()) == ["feats.h5"]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_shapes_come_back(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shapes")
    dim = data.draw(st.integers(1, 9))
    lengths = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=6))
    dtype = data.draw(st.sampled_from(["float16", "float32"]))
    chance = np.random.default_rng(data.draw(st.integers(0, 99)))
    videos = [chance.normal(size=(length, dim)).astype(dtype) for length in lengths]
    (folder / "v").mkdir()
    for row, video in enumerate(videos):
        (folder / "v" / f"{row}.npy").write_bytes(npy_bytes(video))
    run(folder / "v", folder / "out.h5")
    with open_store(folder / "out.h5") as store:
        assert_holds(store, videos)
        assert store.shape[1] == (lengths[0] if len({*lengths}) == 1 else min(25, max(lengths)))
