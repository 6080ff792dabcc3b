"""A file is known by what the system says of it, and by its bytes."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from chainpipe.pipeline.inputs.file_identity import content_id, ensure_unchanged, identify
from chainpipe.pipeline.records import Status, VideoError


def status_of(path: Path, root: Path | None = None, *, follow: bool = False) -> Status:
    with pytest.raises(VideoError) as caught:
        identify(path, root, follow_symlinks=follow)
    return caught.value.status


def test_identity_is_what_the_system_says(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"abc")
    facts, found = file.stat(), identify(file, tmp_path)
    assert (found.device, found.inode) == (facts.st_dev, facts.st_ino)
    assert (found.size, found.mtime_ns) == (3, facts.st_mtime_ns)


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    assert status_of(tmp_path / "missing.mp4") == Status.UNREADABLE


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/null") if kind == "device" else tmp_path / "odd.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    with pytest.raises(VideoError, match=f"not a regular file but a {kind}") as caught:
        identify(path)
    assert caught.value.status == Status.REFUSED


def test_a_link_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("a.mp4")
    assert status_of(tmp_path / "a.mp4") == Status.REFUSED


def test_a_link_may_stay_in_the_root_but_not_leave_it(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "root2"
    root.mkdir(), other.mkdir()
    (root / "real.mp4").touch(), (other / "real.mp4").touch()
    (root / "in.mp4").symlink_to("real.mp4")
    (root / "out.mp4").symlink_to(other / "real.mp4")
    assert identify(root / "in.mp4", root) == identify(root / "real.mp4", root)
    assert status_of(root / "out.mp4", root) == Status.REFUSED
    assert status_of(root / "../root2/real.mp4", root) == Status.REFUSED
    assert identify(root / "out.mp4", root, follow_symlinks=True).size == 0


def test_a_linked_root_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.mp4").touch()
    (tmp_path / "link").symlink_to("real")
    assert identify(tmp_path / "link/a.mp4", tmp_path / "link").size == 0


@pytest.mark.parametrize("change", ["append", "touch", "replace", "remove"])
def test_a_change_is_noticed(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"abc")
    before = identify(file)
    ensure_unchanged(file, before)
    if change == "append":
        file.write_bytes(b"abcd")
    elif change == "touch":
        os.utime(file, ns=(0, before.mtime_ns + 1))
    elif change == "replace":
        (tmp_path / "b.mp4").write_bytes(b"abc")
        os.utime(tmp_path / "b.mp4", ns=(0, before.mtime_ns))
        os.replace(tmp_path / "b.mp4", file)
    else:
        file.unlink()
    with pytest.raises(VideoError, match="changed while it was read") as caught:
        ensure_unchanged(file, before)
    assert caught.value.status == Status.CHANGED


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (2 << 20) + 3])
def test_the_content_id_is_the_hash_of_all_bytes(tmp_path: Path, size: int) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    assert content_id(file) == hashlib.sha256(file.read_bytes()).digest()


def test_a_file_that_cannot_be_hashed_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file") as caught:
        content_id(tmp_path / "missing.mp4")
    assert caught.value.status == Status.UNREADABLE


def test_a_file_that_shrinks_while_it_is_hashed_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"abc")
    longer = os.stat_result((0o100644, 0, 0, 0, 0, 0, 4, 0, 0, 0))
    monkeypatch.setattr("chainpipe.pipeline.inputs.file_identity.os.fstat", lambda _: longer)
    with pytest.raises(VideoError, match="changed") as caught:
        content_id(file)
    assert caught.value.status == Status.CHANGED
