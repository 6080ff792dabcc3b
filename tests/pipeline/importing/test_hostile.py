"""Files that want to open others, run programs or fill the memory."""

from __future__ import annotations

import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainpipe.pipeline.errors import DamageError, UsageError
from chainpipe.pipeline.importing import source
from chainpipe.pipeline.importing.source import ColumnNames
from chainpipe.pipeline.store import open_store

from .foreign_samples import add_member, npy_bytes, run, same_length, write_dataset, write_hdf5


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def trap(tmp_path: Path):
    """A pickle that makes a folder when it is read; none may be there in the end."""
    sprung = tmp_path / "sprung"
    yield Trap(sprung)
    assert not sprung.exists()


def test_pickled_arrays_are_never_read(trap: Trap, tmp_path: Path, out: Path) -> None:
    objects = np.array([trap, trap], dtype=object)
    np.save(tmp_path / "a.npy", objects)
    np.savez(tmp_path / "a.npz", feats=objects)
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "b.npy", objects)
    for name in ("a.npy", "a.npz", "folder"):
        with pytest.raises(UsageError, match="pickled objects"):
            run(tmp_path / name, out)


def test_members_that_are_pickles_are_never_read(trap: Trap, tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add_member(archive, "0.pth", pickle.dumps(trap))
    with pytest.raises(UsageError, match=r"are pickles: `\.pth`"):
        run(tmp_path / "a.tar", out)


def test_names_of_members_are_no_paths(tmp_path: Path, out: Path) -> None:
    videos = same_length()
    names = ["../../outside/0.npy", "/etc/1.npy", "a/../2.npy"]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("passwd.npy")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name, video in zip(names, videos, strict=False):
            add_member(archive, name, npy_bytes(video))
    before = sorted(tmp_path.rglob("*"))
    run(tmp_path / "a.tar", out)
    with open_store(out) as store:
        assert [os.fsdecode(p) for p in store.videos.paths] == [n[:-4] for n in names]
    assert [p for p in sorted(tmp_path.rglob("*")) if p not in before] == [out]


def test_hdf5_that_lies_in_other_files(tmp_path: Path, out: Path) -> None:
    other, _ = write_hdf5(tmp_path, same_length())
    (tmp_path / "raw.bin").write_bytes(np.zeros((3, 4), "f4").tobytes())
    layout = h5py.VirtualLayout((12, 4, 6), "f4")
    layout[:] = h5py.VirtualSource(str(other), "deep/feats", (12, 4, 6))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(other), "deep")
        file.create_dataset("raw", (3, 4), "f4", external=[(str(tmp_path / "raw.bin"), 0, 48)])
        file.create_virtual_dataset("virtual", layout)
        file["real"] = np.zeros((3, 4), "f4")
        file["ids"] = h5py.ExternalLink(str(other), "name")
    for name in ("raw", "virtual"):
        with pytest.raises(UsageError, match=f"`{name}` of .* lie in other files"):
            run(tmp_path / "a.h5", out, ColumnNames(name))
    with pytest.raises(UsageError, match=r"`link/feats` of .* lies in another file"):
        run(tmp_path / "a.h5", out, ColumnNames("link/feats"))
    with pytest.raises(UsageError, match=r"`ids` of .* lies in another file"):
        run(tmp_path / "a.h5", out, ColumnNames("real", ids="ids"))
    with pytest.raises(UsageError, match=r"`link` of .* lies in another file"):
        run(tmp_path / "a.h5", out, ColumnNames("feats", group="link"))


def test_hdf5_that_claims_what_it_does_not_hold(tmp_path: Path, out: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("feats", (10**9, 64), "f4", chunks=(64, 64))
    with pytest.raises(DamageError, match="claims 256000000000 bytes, and 0 are there"):
        run(tmp_path / "a.h5", out)


def test_a_header_that_claims_what_the_file_does_not_hold(tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 4), "f4"))
    data = (tmp_path / "a.npy").read_bytes().replace(b"(2, 4)", b"(9999999, 4)")
    data = data.replace(b"    \n", b"\n", 1)[: -0 or None]
    head = bytearray(data)
    head[8:10] = (head.index(b"\n") + 1 - 10).to_bytes(2, "little")
    (tmp_path / "a.npy").write_bytes(head)
    with pytest.raises(DamageError, match="bytes too early"):
        run(tmp_path / "a.npy", out)


def test_a_video_larger_than_the_limit(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_BYTES", 50)
    np.save(tmp_path / "a.npy", np.zeros((2, 4, 4), "f4"))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add_member(archive, "0.npy", npy_bytes(np.zeros((4, 4), "f4")))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["feats"] = np.zeros((2, 4, 4), "f4")
    for name in ("a.npy", "a.tar", "a.h5"):
        with pytest.raises(UsageError, match=r"has [0-9]+ bytes, more than 50"):
            run(tmp_path / name, out)


def test_a_dataset_whose_parts_lie_elsewhere(tmp_path: Path, out: Path) -> None:
    path, names = write_dataset(tmp_path, same_length())
    listed = path / "dataset_dict.json"
    listed.write_text(json.dumps({"splits": ["../saved/train"]}))
    with pytest.raises(UsageError, match="lies elsewhere"):
        run(path, out, names)
    listed.write_text(json.dumps({"splits": ["train"]}))
    state = json.loads((path / "train" / "state.json").read_text())
    state["_data_files"] = [{"filename": "/etc/passwd"}]
    (path / "train" / "state.json").write_text(json.dumps(state))
    with pytest.raises(UsageError, match="lies elsewhere: `/etc/passwd`"):
        run(path, out, names)


def test_an_archive_with_flipped_bytes(tmp_path: Path, out: Path) -> None:
    np.savez(tmp_path / "a.npz", feats=np.stack(same_length()))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[400] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DamageError, match="CRC"):
        run(tmp_path / "a.npz", out)
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04" + bytes(50))
    with pytest.raises(UsageError, match="is of an unknown kind"):
        run(tmp_path / "b.npz", out)


def test_an_archive_of_several_arrays_as_a_member(tmp_path: Path, out: Path) -> None:
    np.savez(tmp_path / "in.npz", a=np.zeros(3, "f4"), b=np.zeros(3, "f4"))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add_member(archive, "0.npz", (tmp_path / "in.npz").read_bytes())
    with pytest.raises(UsageError, match=r"`0.npz` has 2 arrays"):
        run(tmp_path / "a.tar", out)
    with zipfile.ZipFile(tmp_path / "in.npz", "w") as archive_of_one:
        archive_of_one.writestr("a.npy", npy_bytes(same_length()[0]))
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as archive:
        add_member(archive, "0.npz", (tmp_path / "in.npz").read_bytes())
    assert run(tmp_path / "b.tar.gz", out).videos == 1


def test_a_key_with_a_member_twice(tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for _ in range(2):
            add_member(archive, "0.npy", npy_bytes(same_length()[0]))
    with pytest.raises(UsageError, match=r"has `0.npy` twice"):
        run(tmp_path / "a.tar", out)


def test_labels_that_are_no_json_or_far_too_long(tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add_member(archive, "0.npy", npy_bytes(same_length()[0]))
        add_member(archive, "0.json", b"{")
    with pytest.raises(UsageError, match=r"`0.json` is not JSON"):
        run(tmp_path / "a.tar", out, ColumnNames(labels="x"))
    with tarfile.open(tmp_path / "b.tar", "w") as archive:
        add_member(archive, "0.npy", npy_bytes(same_length()[0]))
        add_member(archive, "0.txt", bytes(1 + (1 << 24)))
    with pytest.raises(UsageError, match=r"`0.txt` has 16777217 bytes"):
        run(tmp_path / "b.tar", out, ColumnNames(labels="txt"))


def test_an_archive_without_members(tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(".hidden"))
    with pytest.raises(UsageError, match="has no members"):
        run(tmp_path / "a.tar", out)


def test_a_group_that_holds_itself(tmp_path: Path, out: Path) -> None:
    videos = np.stack(same_length())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/feats"] = videos
        file["deep/up"] = file["/"]
        for name in ("up", "again"):
            file[name] = file["deep"]
    assert run(tmp_path / "a.h5", out, ColumnNames("deep/feats")).videos == len(videos)


def test_links_lead_neither_out_nor_round(tmp_path: Path, out: Path) -> None:
    other, _ = write_hdf5(tmp_path, same_length())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["real/0"] = same_length()[0]
        file["out"] = h5py.ExternalLink(str(other), "/")
        file["soft_out"] = h5py.SoftLink("/out/deep")
        file["round"] = h5py.SoftLink("/round")
        file["soft"] = h5py.SoftLink("./real")
        file["nowhere"] = h5py.SoftLink("/gone")
    with pytest.raises(UsageError, match=r"`soft_out` of .* lies in another file"):
        run(tmp_path / "a.h5", out, ColumnNames(group="soft_out"))
    with pytest.raises(DamageError, match=r"`round` of .* is a link to itself"):
        run(tmp_path / "a.h5", out, ColumnNames(group="round"))
    with pytest.raises(UsageError, match="has no `nowhere`"):
        run(tmp_path / "a.h5", out, ColumnNames(group="nowhere"))
    assert run(tmp_path / "a.h5", out, ColumnNames(group="soft")).videos == 1


def test_an_external_link_is_not_opened_to_list_groups(tmp_path: Path, out: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # who opens it waits for ever
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["group/0"] = same_length()[0]
        file["pipe"] = h5py.ExternalLink(str(tmp_path / "pipe"), "/")
    with pytest.raises(UsageError, match="has no `none`") as caught:
        run(tmp_path / "a.h5", out, ColumnNames(group="none"))
    assert caught.value.hint == "it has: `/`, `group`"


def test_repeated_values_that_take_no_bytes(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_BYTES", 1 << 20)
    count = 300_000
    many = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), np.ones(count, np.float32))
    pq.write_table(pa.table({"a": many}), tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").stat().st_size < 1000
    reads: list[object] = []
    monkeypatch.setattr(pq.ParquetFile, "iter_batches", lambda *values, **named: reads.append(0))
    with pytest.raises(UsageError, match=r"a row of .* has 1200000 bytes, more than"):
        run(tmp_path / "a.parquet", out)
    assert not reads


def test_json_that_is_nested_too_deep(tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        add_member(archive, "0.npy", npy_bytes(same_length()[0]))
        add_member(archive, "0.json", b"[" * 100_000)
    with pytest.raises(UsageError, match=r"`0.json` is not JSON"):
        run(tmp_path / "a.tar", out, ColumnNames(labels="x"))


def test_a_header_of_negative_sides(tmp_path: Path, out: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((25, 4), "f4"))
    data = (tmp_path / "a.npy").read_bytes().replace(b"(25, 4)", b"(-5, 4)")
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(DamageError, match=r"its shape is \[-5, 4\]"):
        run(tmp_path / "a.npy", out)


def test_objects_beside_features(tmp_path: Path, out: Path) -> None:
    names = np.array([{}] * 12, dtype=object)
    np.savez(tmp_path / "a.npz", feats=np.stack(same_length()), names=names)
    assert run(tmp_path / "a.npz", out).unread == ("names",)
    with pytest.raises(UsageError, match="`names` holds pickled objects"):
        run(tmp_path / "a.npz", out, ColumnNames("feats", ids="names"))
    np.save(tmp_path / "b.npy", np.stack(same_length()))
    np.save(tmp_path / "names.npy", names)
    with pytest.raises(UsageError, match=r"names.npy` holds pickled objects"):
        run(tmp_path / "b.npy", out, ColumnNames(ids=str(tmp_path / "names.npy")))
