"""Files are known by their bytes, and every error names the command that reads them."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.io import savemat

from chainpipe.pipeline.errors import NotFoundError
from chainpipe.pipeline.store import open_store
from chainpipe.pipeline.store.foreign.hints import reading_hint
from chainpipe.pipeline.store.foreign.kinds import FileKind, kind_of
from tests.pipeline.store.store_samples import make, videos
from tests.published_sets import write_set


def matlab_7_3(path: Path, **arrays: np.ndarray) -> Path:
    """Write what MATLAB writes by `-v7.3`: an HDF5 file behind a block, its axes turned."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = array.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> dict[FileKind | None, list[Path]]:
    """A file or folder of every kind, under names that say nothing."""
    folder = tmp_path_factory.mktemp("zoo")
    array = np.zeros((2, 3), "f4")
    with (folder / "a").open("wb") as file:
        np.save(file, array)
    with (folder / "b").open("wb") as file:
        np.savez(file, array)
    with h5py.File(folder / "c", "w") as file:
        file["x"] = array
    with h5py.File(folder / "d", "w", userblock_size=1024) as file:
        file["x"] = array
    savemat(folder / "e", {"x": array}, appendmat=False)
    matlab_7_3(folder / "f", x=array)
    pq.write_table(pa.table({"x": [1]}), folder / "g")
    with tarfile.open(folder / "h", "w") as archive:
        archive.add(folder / "a", "0.npy")
    with tarfile.open(folder / "i.tar.gz", "w:gz") as archive:
        archive.add(folder / "a", "0.npy")
    (folder / "j").write_bytes(pickle.dumps({"x": 1}))
    with zipfile.ZipFile(folder / "k", "w") as archive:
        archive.writestr("model/data.pkl", b"")  # as torch.save names it
    make(folder / "l.h5", videos(2))
    (folder / "m").mkdir()
    np.save(folder / "m" / "0.npy", array)
    (folder / "m" / "notes.txt").write_text("")
    (folder / "n").mkdir()
    pq.write_table(pa.table({"x": [1]}), folder / "n" / "0.parquet")
    (folder / "o").mkdir()
    (folder / "o" / "0.tar").write_bytes((folder / "h").read_bytes())
    (folder / "p").mkdir()
    (folder / "p" / "state.json").write_text("{}")
    (folder / "q").write_text("hello")
    (folder / "r").mkdir()
    make(folder / "s.zarr", videos(2))
    (folder / "t").write_bytes(b"PK\x03\x04")
    kinds = {
        FileKind.NUMPY: "a",
        FileKind.NPZ: "b",
        FileKind.HDF5: "cd",
        FileKind.MATLAB: "ef",
        FileKind.PARQUET: "g",
        FileKind.TAR: ["h", "i.tar.gz"],
        FileKind.PICKLE: "jk",
        FileKind.STORE: ["l.h5"],
        FileKind.NUMPY_FOLDER: "m",
        FileKind.PARQUET_FOLDER: "n",
        FileKind.TAR_FOLDER: "o",
        FileKind.DATASET: "p",
        None: ["q", "r", "s.zarr", "t", "nothing"],
    }
    return {kind: [folder / name for name in names] for kind, names in kinds.items()}


def test_every_kind_is_told(zoo: dict[FileKind | None, list[Path]]) -> None:
    assert {kind for kind in FileKind} - {FileKind.CODES} == {*zoo} - {None}
    for kind, paths in zoo.items():
        assert [kind_of(path) for path in paths] == [kind] * len(paths)


@pytest.mark.parametrize("kind", [k for k in FileKind if k not in (FileKind.CODES, FileKind.STORE)])
def test_opening_a_foreign_file_names_the_command(zoo, kind: FileKind) -> None:
    for path in zoo[kind]:
        with pytest.raises(NotFoundError, match="is not a chainpipe feature store") as caught:
            open_store(path)
        hint = str(caught.value.hint)
        if kind is FileKind.PICKLE:
            assert "can run any program" in hint
        elif kind is FileKind.MATLAB:
            assert f"chainpipe import codes {path}" in hint
        else:
            assert f"`chainpipe import {path} --out feats.h5`" in hint


def test_what_nothing_reads_keeps_its_hint(zoo) -> None:
    assert {reading_hint(path, "mine") for path in zoo[None]} == {"mine"}


def test_a_store_where_codes_are_wanted(zoo) -> None:
    (path,) = zoo[FileKind.STORE]
    assert f"`chainpipe encode {path}`" in reading_hint(path, "")


def test_a_name_with_blanks_is_quoted_for_the_shell(tmp_path: Path) -> None:
    np.save(tmp_path / "my feats.npy", np.zeros((2, 3)))
    assert f"import '{tmp_path}/my feats.npy' --out" in reading_hint(tmp_path / "my feats.npy", "")


def test_a_part_of_a_published_set_names_its_folder(tmp_path: Path) -> None:
    write_set(tmp_path / "fcv", "fcv")
    with pytest.raises(NotFoundError) as caught:
        open_store(tmp_path / "fcv" / "fcv_train_feats.h5")
    assert f"`chainpipe train {tmp_path}/fcv`" in str(caught.value.hint)
