"""What cannot be imported is refused with its name; nothing is written."""

from __future__ import annotations

import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainpipe.pipeline.errors import (
    ChainpipeError,
    DamageError,
    LockedError,
    NotFoundError,
    UsageError,
)
from chainpipe.pipeline.importing import import_features as importing
from chainpipe.pipeline.importing.source import ColumnNames
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.lock import output_lock

from .foreign_samples import (
    ANY_LENGTH,
    COUNT,
    DIM,
    NAMES,
    ONE_LENGTH,
    ragged,
    run,
    same_length,
    write_dataset,
    write_folder,
    write_hdf5,
    write_npy,
    write_npz,
    write_parquet,
)


def refused(kind: type[ChainpipeError], words: str, *args: Any, **options: Any) -> ChainpipeError:
    """Import what must be refused; return the error. Nothing may be left at the output."""
    out: Path = args[1]
    before = sorted(out.parent.iterdir())
    with pytest.raises(kind, match=words) as caught:
        run(*args, **options)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    assert sorted(out.parent.iterdir()) == before
    return caught.value


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 3, 4, 5), "f4"), r"is \[2, 3, 4, 5\]"),
        (np.zeros(5, "f4"), r"is \[5\]"),
        (np.zeros((0, 4), "f4"), r"is \[0, 4\]"),
        (np.zeros((3, 0, 4), "f4"), r"is \[3, 0, 4\]"),
        (np.zeros((3, 4), "f8"), "row 0 is float64"),
        (np.zeros((3, 4), "i4"), "row 0 is int32"),
        (np.zeros((3, 4), "U3"), "row 0 is <U3"),
    ],
)
def test_wrong_shapes_and_types(array, words: str, tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    refused(UsageError, words, tmp_path / "a.npy", out)


def test_videos_of_different_networks(tmp_path: Path, out: Path) -> None:
    videos = ragged()
    videos[7] = videos[7][:, :5]
    path, _ = write_folder(tmp_path, videos)
    refused(UsageError, "07.npy` has 5 features a frame, those before 6", path, out)
    videos[7] = np.zeros((2, 3, 4), "f4")
    path, _ = write_folder(tmp_path, videos)
    refused(UsageError, r"07.npy` is \[2, 3, 4\]", path, out)


@pytest.mark.parametrize("write", [*ONE_LENGTH, *ANY_LENGTH], ids=lambda w: w.__name__)
def test_numbers_that_are_not_finite(write, tmp_path: Path, out: Path) -> None:
    videos = same_length()
    videos[4][1, 2], videos[5][0, 0] = np.nan, np.inf
    path, names = write(tmp_path, videos)
    error = refused(UsageError, "2 videos cannot be stored", path, out, names)
    assert "`--skip-bad`" in str(error.hint)
    report = run(path, out, names, skip_bad=True)
    assert len(report.bad) == 2
    with open_store(out) as store:
        left = {os.fsdecode(name) for name in store.videos.paths}
        assert {*NAMES} - left == {NAMES[4], NAMES[5]}


def test_numbers_too_large_for_the_type(tmp_path: Path, out: Path) -> None:
    features = np.ones((3, DIM), "f4")
    features[1, 0] = 1e6
    np.save(tmp_path / "a.npy", features)
    refused(
        UsageError, r"\(1\): row 1 has 1 number .* as float16", tmp_path / "a.npy", out, dtype="f2"
    )


def test_nothing_left(tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((3, DIM), np.nan, "f4"))
    refused(UsageError, "3 videos cannot", tmp_path / "a.npy", out, skip_bad=True)
    column = pa.array([None, [], None], pa.list_(pa.float32()))
    pq.write_table(pa.table({"emb": column}), tmp_path / "n.parquet")
    error = refused(
        UsageError, "row 0 has no features; row 1 is empty", tmp_path / "n.parquet", out
    )
    assert "--skip-bad" in str(error.hint)
    pq.write_table(pa.table({"emb": column.slice(0, 0)}), tmp_path / "o.parquet")
    refused(UsageError, "has no videos", tmp_path / "o.parquet", out)


def test_ids_that_come_twice_or_are_missing(tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    twice = [*NAMES]
    twice[9] = twice[2]
    (tmp_path / "ids.txt").write_text("\n".join(twice))
    refused(UsageError, "1 id more than once: `class2/video 02` in rows 2, 9", path, out, names)
    twice[9] = ""
    (tmp_path / "ids.txt").write_text("\n".join(twice))
    refused(UsageError, "row 9 has no id", path, out, names)
    (tmp_path / "ids.txt").write_text("\n".join(NAMES[1:]))
    refused(UsageError, "11 entries, but there are 12 videos", path, out, names)


def test_splits_and_labels_that_are_none(tmp_path: Path, out: Path) -> None:
    path, names = write_npz(tmp_path, same_length())
    arrays = dict(np.load(path))
    arrays["part"][3] = "holdout"[:5]
    arrays["real"] = np.linspace(0, 1, COUNT)
    np.savez(path, **arrays)
    refused(UsageError, "row 3: unknown split `holdo`", path, out, names)
    refused(UsageError, "is no label", path, out, replace(names, labels="real", splits=None))


@pytest.mark.parametrize(
    ("write", "columns", "words"),
    [
        (write_npz, {"features": "x"}, r"has no `x` \(--column\)"),
        (write_npz, {"labels": "x"}, r"has no `x` \(--label-column\)"),
        (write_hdf5, {"features": "x"}, r"has no `x` \(--column\)"),
        (write_hdf5, {"ids": "x"}, r"has no `x` \(--id-column\)"),
        (write_hdf5, {"features": "name"}, "`name` of .* is"),
        (write_parquet, {"features": "name"}, "`name` of .* is of type string"),
        (write_parquet, {"splits": "x"}, r"has no `x` \(--split-column\)"),
        (write_dataset, {"labels": "x"}, r"has no `x` \(--label-column\)"),
        (ANY_LENGTH[0], {"group": "x"}, r"has no `x` \(--group\)"),
        (ANY_LENGTH[0], {"features": "x"}, "has no video with `x`"),
        (ANY_LENGTH[0], {"labels": "x"}, r"has no `00/x` \(--label-column\)"),
        (ANY_LENGTH[2], {"labels": "x"}, r"has no `0000: x` \(--label-column\)"),
        (ANY_LENGTH[2], {"features": "txt"}, "`.txt` members are no arrays"),
        (write_npy, {"features": "x"}, "has no `x`"),
        (write_folder, {"labels": "x"}, "has no `x`"),
        (write_parquet, {"group": "x"}, "has no groups"),
    ],
)
def test_columns_that_are_not_there(write, columns, words, tmp_path: Path, out: Path) -> None:
    path, names = write(tmp_path, same_length())
    refused(UsageError, words, path, out, replace(names, **columns))


def test_several_columns_that_may_be_features_are_listed(tmp_path: Path, out: Path) -> None:
    videos = np.stack(same_length())
    np.savez(tmp_path / "two.npz", a=videos, b=videos, c=np.arange(3))
    error = refused(UsageError, "has 2 columns that may be features", tmp_path / "two.npz", out)
    assert "`a`, `b`" in str(error.hint)
    np.savez(tmp_path / "none.npz", c=np.arange(3))
    refused(UsageError, "has no column of features", tmp_path / "none.npz", out)


def test_frames_of_different_sizes_in_one_video(tmp_path: Path, out: Path) -> None:
    column = pa.array([[[1.0, 2.0], [3.0]]], pa.list_(pa.list_(pa.float32())))
    pq.write_table(pa.table({"emb": column}), tmp_path / "a.parquet")
    refused(UsageError, "the frames of row 0 have 1 and 2 features", tmp_path / "a.parquet", out)


def test_nulls_inside_a_video(tmp_path: Path, out: Path) -> None:
    kind = pa.list_(pa.list_(pa.float32()))
    pq.write_table(pa.table({"emb": pa.array([[[1.0, None]]], kind)}), tmp_path / "a.parquet")
    refused(UsageError, "row 0 has 1 number that is NaN", tmp_path / "a.parquet", out, dtype="f4")
    pq.write_table(pa.table({"emb": pa.array([[[1.0], None]], kind)}), tmp_path / "b.parquet")
    refused(UsageError, "row 0", tmp_path / "b.parquet", out)


def test_sources_that_are_not_there_or_of_another_kind(tmp_path: Path, out: Path) -> None:
    refused(NotFoundError, "there is no", tmp_path / "nowhere.npy", out)
    (tmp_path / "a.txt").write_text("hello")
    refused(UsageError, "is of an unknown kind", tmp_path / "a.txt", out)
    (tmp_path / "a.pt").write_bytes(pickle.dumps([1.0]))
    error = refused(UsageError, "is a pickle", tmp_path / "a.pt", out)
    assert "can run any program" in str(error.hint)
    one, names = write_npz(tmp_path, same_length())
    other, _ = write_parquet(tmp_path, same_length())
    refused(UsageError, "is a NumPy archive, .*parquet` is not", [one, other], out)
    run(one, out, names)
    refused(UsageError, "is a chainpipe feature store", out, out.with_name("b.h5"))


def test_side_files_that_are_not_there_or_of_another_kind(tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    gone = str(tmp_path / "gone.npy")
    refused(
        NotFoundError, r"gone.npy` \(`--label-column`\)", path, out, replace(names, labels=gone)
    )
    (tmp_path / "ids.doc").write_text("x")
    wrong = replace(names, ids=str(tmp_path / "ids.doc"))
    refused(UsageError, "is of an unknown kind", path, out, wrong)


@pytest.mark.parametrize("write", [*ONE_LENGTH, *ANY_LENGTH], ids=lambda w: w.__name__)
def test_a_file_cut_short(write, tmp_path: Path, out: Path) -> None:
    path, names = write(tmp_path, same_length())
    file = path if path.is_file() else next(path.rglob("*.arrow"))
    os.truncate(file, file.stat().st_size * 6 // 10)
    with pytest.raises((DamageError, UsageError)) as caught:
        run(path, out, names)
    assert str(path.name) in str(caught.value)
    assert list(out.parent.iterdir()) == []


def test_a_source_that_changes_between_the_two_passes(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = write_folder(tmp_path, ragged())
    first_pass = importing.survey

    def then_change(*args: Any, **how: Any) -> Any:
        found = first_pass(*args, **how)
        np.save(path / f"{NAMES[3]}.npy", np.zeros((2, DIM), "f4"))
        return found

    monkeypatch.setattr(importing, "survey", then_change)
    refused(DamageError, "changed while it was read", path, out)


def test_outputs_that_may_not_be_written(tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    refused(UsageError, "no store format", path, out.with_suffix(".npy"), names)
    hdf5, columns = write_hdf5(tmp_path, same_length())
    refused(UsageError, "would replace", hdf5, hdf5, columns)
    out.write_text("mine")
    refused(UsageError, "exists and is not a feature store", path, out, names, restart=True)
    out.unlink()
    run(path, out, names)
    before = out.read_bytes()
    refused(UsageError, "holds something else", path, out, names, backbone="other")
    assert out.read_bytes() == before
    with output_lock(out):
        refused(LockedError, "is being written", path, out, names, restart=True)
    with pytest.raises(ChainpipeError, match="cannot write"):
        run(path, tmp_path / "nowhere" / "feats.h5", names)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"every": -1.0}, "`every` is -1"),
        ({"every": 1e-9}, "`every` is"),
        ({"dtype": "int8"}, "no type `int8`"),
        ({"backbone": " "}, "is no name of a network"),
    ],
)
def test_option_values(options, words: str, tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    refused(UsageError, words, path, out, names, **options)


def test_no_source_at_all(out: Path) -> None:
    with pytest.raises(UsageError, match="nothing to import"):
        run([], out)


def test_a_list_that_names_no_video(tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    (tmp_path / "l.csv").write_text("path,label\nx.mp4,a\n")
    refused(UsageError, "names one of the videos", path, out, names, labels=tmp_path / "l.csv")


def test_parts_of_a_dataset_with_other_columns(tmp_path: Path, out: Path) -> None:
    path, names = write_dataset(tmp_path, same_length())
    shutil.rmtree(path / "train")
    datasets.Dataset.from_dict({"x": [1]}).save_to_disk(path / "train")
    refused(UsageError, "has other columns", path, out, names)


def test_features_of_others_never_pass_for_ours(tmp_path: Path, out: Path) -> None:
    path, names = write_npy(tmp_path, same_length())
    run(path, out, names, backbone="cnn:efficientnet-lite0")
    with open_store(out) as store:
        mark = store.meta.fingerprint
        assert mark.backbone == "imported:cnn:efficientnet-lite0"
        assert (mark.weights_sha256, mark.preprocessing) == ("", "as imported")


def test_a_group_that_is_a_data_set(tmp_path: Path, out: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((2, 3), "f4")
    refused(UsageError, r"has no `x` \(--group\)", tmp_path / "a.h5", out, ColumnNames(group="x"))


def test_values_in_messages_are_short(tmp_path: Path, out: Path) -> None:
    np.savez(tmp_path / "a.npz", feats=np.stack(same_length()))
    for names in (ColumnNames("feats", ids="feats"), ColumnNames("feats", labels="feats")):
        with pytest.raises(UsageError, match="…") as caught:
            run(tmp_path / "a.npz", out, names)
        assert len(str(caught.value)) < 100


def test_two_columns_of_one_name(tmp_path: Path, out: Path) -> None:
    column = pa.array([[1.0], [2.0]])
    pq.write_table(pa.table([column, column], names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="has two columns `a`"):
        run(tmp_path / "a.parquet", out, ColumnNames("a"))


def test_a_null_number_is_no_other_type(tmp_path: Path, out: Path) -> None:
    rows = pa.array([[1.0, None], [2.0, 3.0]], pa.list_(pa.float16()))
    pq.write_table(pa.table({"a": rows}), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="row 0 has 1 number that is NaN"):
        run(tmp_path / "a.parquet", out)
    assert run(tmp_path / "a.parquet", out, skip_bad=True).meta.dtype == "float16"
