"""Features larger than the memory are streamed: the program's own address space is limited."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from chainpipe.pipeline.store import open_store

ROOT = Path(__file__).parents[3]
ROWS, FRAMES, DIM = 5000, 10, 1024  # 102 MB of float16
ROOM = 72 << 20  # bytes that may be used beyond what the program has when it starts

SOAK = pytest.mark.soak

PROGRAM = """
import resource, sys
from pathlib import Path
import h5py, numpy
import chainpipe.pipeline.store.formats.hdf5_write
from chainpipe.pipeline.console import Console
from chainpipe.pipeline.importing import hdf5_file, numpy_files
from chainpipe.pipeline.importing.import_features import import_features
from chainpipe.pipeline.importing.import_options import ImportOptions
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
options = ImportOptions((Path(sys.argv[1]),), Path(sys.argv[2]))
print(import_features(options, console=Console(quiet=True)).videos)
"""


def write_npy(path: Path) -> Path:
    array = np.lib.format.open_memmap(
        path / "big.npy", mode="w+", dtype="f2", shape=(ROWS, FRAMES, DIM)
    )
    array[:, :, 0] = np.arange(ROWS)[:, None]
    array.flush()
    return path / "big.npy"


def write_npz(path: Path) -> Path:
    np.savez_compressed(path / "big.npz", feats=np.load(write_npy(path), mmap_mode="r"))
    return path / "big.npz"


def write_hdf5(path: Path) -> Path:
    with h5py.File(path / "big.h5", "w") as file:
        file.create_dataset(
            "x", data=np.load(write_npy(path), mmap_mode="r"), chunks=(50, 10, 1024)
        )
    return path / "big.h5"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "write", [write_npy, *(pytest.param(w, marks=SOAK) for w in (write_npz, write_hdf5))]
)
def test_a_file_larger_than_the_memory(write, tmp_path: Path) -> None:
    source, out = write(tmp_path), tmp_path / "out.h5"
    assert ROWS * FRAMES * DIM * 2 > 1.3 * ROOM
    command = [sys.executable, "-c", PROGRAM, str(source), str(out), str(ROOM)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == f"{ROWS}\n", done.stderr
    with open_store(out) as store:
        assert store.shape == (ROWS, FRAMES, DIM)
        for row in (0, 1, 2047):
            assert store.sequence(row).features[:, 0].tolist() == [row] * FRAMES
