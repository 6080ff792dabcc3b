"""Arrays by name of NumPy's, MATLAB's and HDF5 files."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csr_matrix

from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.store.foreign import array_file
from chainpipe.pipeline.store.foreign.array_file import arrays_in, load_array

from .test_kinds import matlab_7_3

ONE = np.random.default_rng(0).integers(0, 2, (5, 8)).astype("f8")
TWO = np.arange(5.0)[:, None]


def write(folder: Path) -> list[Path]:
    """The same two arrays in every format that has names."""
    np.savez(folder / "a.npz", one=ONE, two=TWO)
    savemat(folder / "b.mat", {"one": ONE, "two": TWO})
    savemat(folder / "c.mat", {"one": csr_matrix(ONE), "two": TWO}, do_compression=True)
    matlab_7_3(folder / "d.mat", one=ONE, two=TWO)
    with h5py.File(folder / "e.h5", "w") as file:
        file["one"], file["two"] = ONE, TWO
    return sorted(folder.iterdir())


def test_arrays_are_listed_and_read(tmp_path: Path) -> None:
    for path in write(tmp_path):
        listed = {one.name: one.shape for one in arrays_in(path)}
        assert listed == {"one": (5, 8), "two": (5, 1)}, path
        assert np.array_equal(load_array(path, "one"), ONE), path
        assert np.array_equal(load_array(path, "two"), TWO), path
        with pytest.raises(UsageError, match="has 2 arrays") as caught:
            load_array(path)
        assert "`one` (5 x 8" in str(caught.value.hint)
        with pytest.raises(UsageError, match="has no array `three`"):
            load_array(path, "three")


def test_one_array_needs_no_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ONE)
    savemat(tmp_path / "b.mat", {"x": ONE})
    for path in tmp_path.iterdir():
        assert np.array_equal(load_array(path), ONE)


def test_strings_of_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["names"] = ["a", "b"]
    assert load_array(tmp_path / "a.h5").tolist() == ["a", "b"]


def test_what_is_not_there_not_an_array_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError, match="there is no"):
        load_array(tmp_path / "nowhere.npy")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match="is no file of arrays"):
        arrays_in(tmp_path / "a.txt")
    np.save(tmp_path / "a.npy", ONE)
    monkeypatch.setattr(array_file, "MOST_BYTES", 10)
    with pytest.raises(UsageError, match="is too large"):
        load_array(tmp_path / "a.npy")


def test_damage_is_told(tmp_path: Path) -> None:
    for path in write(tmp_path):
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises((DamageError, UsageError)):
            load_array(path, "one")
    np.save(tmp_path / "a.npy", ONE)
    os.truncate(tmp_path / "a.npy", 20)
    with pytest.raises(DamageError, match=r"not a sound `\.npy` file"):
        arrays_in(tmp_path / "a.npy")


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object))
    with pytest.raises(UsageError, match="pickled objects"):
        load_array(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", good=ONE, bad=np.array([{}], dtype=object))
    assert (load_array(tmp_path / "a.npz", "good") == ONE).all()
    with pytest.raises(UsageError, match="`bad` holds pickled objects"):
        load_array(tmp_path / "a.npz", "bad")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one"] = ONE
        file["link"] = np.array([file["one"].ref], h5py.ref_dtype)
    with pytest.raises(UsageError, match="neither numbers nor strings"):
        load_array(tmp_path / "a.h5", "link")
