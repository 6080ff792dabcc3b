"""The same known features in every format that can be imported."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets
import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from chainpipe.pipeline.console import Console
from chainpipe.pipeline.importing.import_features import ImportReport, import_features
from chainpipe.pipeline.importing.import_options import ImportOptions
from chainpipe.pipeline.importing.source import ColumnNames
from chainpipe.pipeline.store import FeatureStore

Videos = Sequence[npt.NDArray[Any]]
QUIET = Console(quiet=True)
COUNT, DIM = 12, 6
NAMES = [f"class{row % 3}/video {row:02}" for row in range(COUNT)]
LABELS = [f"class{row % 3}" for row in range(COUNT)]
SPLITS = ["train" if row % 2 else "test" for row in range(COUNT)]


def same_length(dtype: str = "float32", frames: int = 4) -> list[npt.NDArray[Any]]:
    """Return videos of equal length, (T, D) each."""
    found = np.random.default_rng(0).normal(size=(COUNT, frames, DIM)).astype(dtype)
    return list(found)


def ragged(dtype: str = "float32") -> list[npt.NDArray[Any]]:
    """Return videos of 1 to 12 frames."""
    chance = np.random.default_rng(1)
    return [chance.normal(size=(row + 1, DIM)).astype(dtype) for row in range(COUNT)]


def run(
    source: Path | Sequence[Path], out: Path, names: ColumnNames | None = None, **options: Any
) -> ImportReport:
    """Import quietly."""
    sources = (source,) if isinstance(source, Path) else tuple(source)
    return import_features(
        ImportOptions(sources, out, names or ColumnNames(), **options), console=QUIET
    )


def assert_holds(store: FeatureStore, videos: Videos) -> None:
    """Compare every byte of the features with what was written."""
    assert len(store.videos) == len(videos)
    for row, wanted in enumerate(videos):
        found = store.sequence(row).features
        assert found.dtype == wanted.dtype
        assert found.tobytes() == wanted.tobytes()


def write_npy(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """One array of all videos, and its columns beside it."""
    np.save(folder / "feats.npy", np.stack(videos))
    np.save(folder / "labels.npy", np.array(LABELS))
    (folder / "ids.txt").write_text("\n".join(NAMES))
    (folder / "splits.txt").write_text("\n".join(SPLITS))
    columns = (str(folder / name) for name in ("ids.txt", "labels.npy", "splits.txt"))
    return folder / "feats.npy", ColumnNames(None, *columns)


def write_npz(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """Arrays of one compressed archive."""
    columns = {"name": np.array(NAMES), "kind": np.array(LABELS), "part": np.array(SPLITS)}
    np.savez_compressed(folder / "feats.npz", feats=np.stack(videos), **columns)
    return folder / "feats.npz", ColumnNames("feats", "name", "kind", "part")


def write_hdf5(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """Data sets, one of them in a group."""
    with h5py.File(folder / "feats.h5", "w") as file:
        file.create_dataset("deep/feats", data=np.stack(videos), chunks=True, compression="gzip")
        file["name"], file["kind"], file["part"] = NAMES, LABELS, np.array(SPLITS, "S")
    return folder / "feats.h5", ColumnNames("deep/feats", "name", "kind", "part")


def write_group(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """A group for each video, with attributes."""
    with h5py.File(folder / "group.h5", "w") as file:
        for row, video in enumerate(videos):
            own = file.create_group(f"all/{row:02}")
            own["feats"] = video
            own["kind"] = LABELS[row]
            own.attrs["name"], own.attrs["part"] = NAMES[row], SPLITS[row]
    return folder / "group.h5", ColumnNames("feats", "name", "kind", "part", "all")


def arrow_type(video: npt.NDArray[Any]) -> pa.DataType:
    """Return lists of lists of the type of a video."""
    return pa.list_(pa.list_(pa.from_numpy_dtype(video.dtype)))


def write_parquet(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """Lists of lists in small row groups."""
    column = pa.array([list(video) for video in videos], arrow_type(videos[0]))
    table = pa.table({"emb": column, "name": NAMES, "kind": LABELS, "part": SPLITS})
    pq.write_table(table, folder / "feats.parquet", row_group_size=5)
    return folder / "feats.parquet", ColumnNames(None, "name", "kind", "part")


def write_tar(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """Members as WebDataset writes them."""
    with tarfile.open(folder / "feats.tar", "w") as archive:
        for row, video in enumerate(videos):
            facts = {"name": NAMES[row], "part": SPLITS[row]}
            members = {
                "npy": npy_bytes(video),
                "json": json.dumps(facts).encode(),
                "txt": LABELS[row].encode(),
            }
            for suffix, data in members.items():
                add_member(archive, f"{row:04}.{suffix}", data)
    return folder / "feats.tar", ColumnNames(None, "name", "txt", "part")


def write_dataset(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """A saved dataset with class names; its parts are the splits."""
    named = sorted(set(LABELS))
    number = datasets.Value(str(videos[0].dtype))
    features = datasets.Features(
        {
            "emb": datasets.List(datasets.List(number)),
            "name": datasets.Value("string"),
            "kind": datasets.ClassLabel(names=named),
        }
    )
    parts = {}
    for split in dict.fromkeys(SPLITS):
        rows = [row for row in range(COUNT) if SPLITS[row] == split]
        columns = {
            "emb": [videos[row].tolist() for row in rows],
            "name": [NAMES[row] for row in rows],
            "kind": [named.index(LABELS[row]) for row in rows],
        }
        parts[split] = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict(parts).save_to_disk(folder / "saved", num_proc=None)
    return folder / "saved", ColumnNames(None, "name", "kind")


def write_folder(folder: Path, videos: Videos) -> tuple[Path, ColumnNames]:
    """One ``.npy`` file a video."""
    for name, video in zip(NAMES, videos, strict=True):
        path = folder / "clips" / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, video)
    return folder / "clips", ColumnNames()


Writer = Callable[[Path, Videos], tuple[Path, ColumnNames]]
ONE_LENGTH: tuple[Writer, ...] = (write_npy, write_npz, write_hdf5)
ANY_LENGTH: tuple[Writer, ...] = (write_group, write_parquet, write_tar, write_dataset)


def npy_bytes(video: npt.NDArray[Any]) -> bytes:
    """Return a video as a ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, video)
    return file.getvalue()


def add_member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file to a tar archive."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def order_of(names: Sequence[str]) -> list[int]:
    """Return the row of each name among :data:`NAMES`."""
    return [NAMES.index(name) for name in names]
