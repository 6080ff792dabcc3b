"""The shell script, run by a real shell on real files: what it does, and what it leaves alone."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chainpipe.hashing.duplicates.shell_script import (
    CopyAction,
    FileState,
    PlannedCopy,
    quoted,
    write_script,
)
from chainpipe.pipeline.errors import StorageError, UsageError

NAMES = [
    b"plain.mp4",
    b"-rf",
    b"--help.mp4",
    b'it\'s a "film".mp4',
    b"new\nline.mp4",
    b"ends with a newline\n",
    b"$(touch pwned) `touch pwned`;touch pwned.mp4",
    b"caf\xe9 \xff\xfe.mp4",
    "日本語 ★.mp4".encode(),
    b" leading and trailing ",
    b"back\\slash\\n%s%d.mp4",
    b"*.mp4",
    b"~",
    b"#hash & more | \t.mp4",
]
SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)] or ["sh"]


def state(file: bytes) -> FileState:
    data = Path(os.fsdecode(file)).read_bytes()
    return FileState(file, len(data), hashlib.sha256(data).hexdigest())


class Library:
    """Pairs of files: one to keep, and a copy of it under each odd name."""

    def __init__(self, root: Path, *, exact: bool) -> None:
        self.root = root
        self.planned: list[PlannedCopy] = []
        for number, name in enumerate(NAMES):
            keep = os.fsencode(root / f"keep{number}.mp4")
            copy = os.path.join(os.fsencode(root / "copies"), name)
            (root / "copies").mkdir(exist_ok=True, parents=True)
            for file, text in ((keep, b"film %d" % number), (copy, b"film %d" % number)):
                with open(file, "wb") as out:
                    out.write(text if exact or file == keep else text + b" again")
            self.planned.append(PlannedCopy(state(keep), state(copy), f"group {number + 1}: why"))

    def script(self, action: CopyAction) -> Path:
        path = self.root / "tidy.sh"
        write_script(path, self.planned, action, store=Path("feats.h5"))
        return path

    def run(self, action: CopyAction, shell: str = SHELLS[0]) -> subprocess.CompletedProcess[bytes]:
        command = ["busybox", "sh"] if shell == "busybox" else [shell]
        return subprocess.run(
            [*command, self.script(action)],
            cwd=self.root,
            env=os.environ | {"HOME": str(self.root / "home"), "XDG_DATA_HOME": ""},
            capture_output=True,
            check=False,
        )

    def copies(self) -> set[bytes]:
        return set(os.listdir(os.fsencode(self.root / "copies")))

    def kept(self) -> bool:
        return all(os.path.isfile(one.keep.file) for one in self.planned)


@pytest.fixture(autouse=True)
def _no_desktop(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the desktop's trash out of it: the tests know where the script's own one is."""
    place = tmp_path_factory.mktemp("bin")
    tools = ["sh", "wc", "tr", "cut", "sha256sum", "basename", "mkdir", "mv", "od", "sed"]
    tools += ["date", "rm", "ln", "cp", "touch", "env"]
    for name in {*SHELLS, *tools}:
        if (tool := shutil.which(name)) is not None:
            (place / name).symlink_to(tool)
    monkeypatch.setenv("PATH", str(place))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "a place", exact=True)


@pytest.fixture
def alike(tmp_path: Path) -> Library:
    return Library(tmp_path / "a place", exact=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_remove_removes_the_copies_and_nothing_else(library: Library, shell: str) -> None:
    done = library.run(CopyAction.REMOVE, shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"%d done, 0 left alone\n" % len(NAMES)
    assert library.copies() == set()
    assert library.kept()
    assert sorted(os.listdir(library.root))[:2] == ["copies", "keep0.mp4"]
    assert "pwned" not in os.listdir(library.root)


def test_trash_moves_the_copies_with_a_note_of_where_they_were(alike: Library) -> None:
    done = alike.run(CopyAction.TRASH, "sh")
    assert (done.returncode, done.stderr) == (0, b"")
    assert alike.copies() == set()
    assert alike.kept()
    trash = os.fsencode(alike.root / "home/.local/share/Trash")
    assert set(os.listdir(trash + b"/files")) == set(NAMES)
    for one in alike.planned:
        name = os.path.basename(one.copy.file)
        with open(trash + b"/info/" + name + b".trashinfo", "rb") as note:
            lines = note.read().splitlines()
        assert lines[0] == b"[Trash Info]"
        plain = bytes.fromhex(
            b"".join(
                b"2f" if part == b"/" else part
                for part in lines[1].removeprefix(b"Path=").replace(b"/", b"%/").split(b"%")
            ).decode()
        )
        assert plain == one.copy.file


def test_names_in_the_trash_do_not_overwrite_each_other(alike: Library) -> None:
    first = alike.planned[0].copy.file
    assert alike.run(CopyAction.TRASH).returncode == 0
    with open(first, "wb") as again:
        again.write(b"film 0 again")
    assert alike.run(CopyAction.TRASH).returncode == 1  # the others are gone by now
    files = os.listdir(alike.root / "home/.local/share/Trash/files")
    assert {"plain.mp4", "2-plain.mp4"} <= set(files)


def test_hard_links_replace_copies_of_the_same_bytes(library: Library) -> None:
    assert library.run(CopyAction.HARDLINK).returncode == 0
    assert library.copies() == set(NAMES)
    for one in library.planned:
        assert os.path.samefile(one.keep.file, one.copy.file)
    again = library.run(CopyAction.HARDLINK)
    assert again.stdout.startswith(b"0 done")
    assert b"it is the very file to keep" in again.stderr


def test_links_leave_copies_with_other_bytes_alone(alike: Library) -> None:
    before = {one.copy.file: state(one.copy.file) for one in alike.planned}
    done = alike.run(CopyAction.HARDLINK)
    assert done.stdout == b"0 done, 0 left alone\n"
    assert {file: state(file) for file in before} == before
    assert alike.script(CopyAction.REFLINK).read_bytes().count(b"so it stays") == len(NAMES)


def test_a_clone_has_the_bytes_or_nothing_happened(library: Library) -> None:
    before = {one.copy.file: state(one.copy.file) for one in library.planned}
    done = library.run(CopyAction.REFLINK)  # few file systems can
    assert done.returncode in (0, 1)
    assert {file: state(file) for file in before} == before
    assert library.copies() == set(NAMES)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda one: os.remove(one.keep.file), b"the file to keep is gone"),
        (lambda one: os.remove(one.copy.file), b"it is gone, or a link"),
        (lambda one: Path(os.fsdecode(one.keep.file)).write_bytes(b"x"), b"to keep has changed"),
        (lambda one: Path(os.fsdecode(one.keep.file)).write_bytes(b"FILM 0"), b"keep has changed"),
        (lambda one: Path(os.fsdecode(one.copy.file)).write_bytes(b"x"), b"it has changed"),
        (lambda one: Path(os.fsdecode(one.copy.file)).write_bytes(b"FILM 0"), b"it has changed"),
    ],
)
@pytest.mark.parametrize("action", [CopyAction.REMOVE, CopyAction.TRASH, CopyAction.HARDLINK])
def test_a_file_that_changed_since_is_left_alone(
    library: Library, harm: object, words: bytes, action: CopyAction
) -> None:
    first = library.planned[0]
    script = library.script(action)
    harm(first)  # type: ignore[operator]
    before = {
        file: Path(os.fsdecode(file)).read_bytes()
        for file in (first.keep.file, first.copy.file)
        if os.path.exists(file)
    }
    home = {"HOME": str(library.root / "home")}
    done = subprocess.run(["sh", script], env=os.environ | home, capture_output=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == b"%d done, 1 left alone\n" % (len(NAMES) - 1)
    assert {file: Path(os.fsdecode(file)).read_bytes() for file in before} == before


@pytest.mark.parametrize("link", ["copy", "keep"])
def test_a_link_to_the_other_file_is_never_removed(library: Library, link: str) -> None:
    one = library.planned[0]
    script = library.script(CopyAction.REMOVE)
    gone, other = (one.copy, one.keep) if link == "copy" else (one.keep, one.copy)
    os.remove(gone.file)
    os.symlink(other.file, gone.file)
    done = subprocess.run(["sh", script], capture_output=True, check=False)
    assert b"left alone" in done.stderr
    assert Path(os.fsdecode(other.file)).read_bytes() == b"film 0"
    assert os.path.islink(gone.file)


def test_a_folder_that_links_to_the_other_is_seen(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.mp4").write_bytes(b"film")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    one, same = (state(os.fsencode(tmp_path / name / "a.mp4")) for name in ("real", "link"))
    path = tmp_path / "tidy.sh"
    write_script(path, [PlannedCopy(one, same, "")], CopyAction.REMOVE, store=Path("s.h5"))
    done = subprocess.run([str(path)], capture_output=True, check=False)
    assert b"it is the very file to keep" in done.stderr
    assert (tmp_path / "real/a.mp4").read_bytes() == b"film"


def test_the_header_says_what_it_does_and_the_script_may_be_run(library: Library) -> None:
    path = library.script(CopyAction.REMOVE)
    text = path.read_bytes()
    assert text.startswith(b"#!/bin/sh\n# Written by `chainpipe dedup feats.h5`. Read it")
    assert b"deletes each copy for good: %d files" % len(NAMES) in text
    assert os.access(path, os.X_OK)
    assert path.stat().st_mode & 0o077 == 0


def test_a_comment_never_ends_in_a_name(library: Library) -> None:
    for line in library.script(CopyAction.TRASH).read_bytes().splitlines():
        if line.startswith((b"# keep", b"# group")):
            assert line.isascii()


def test_a_store_without_files_is_refused(tmp_path: Path) -> None:
    none = FileState(b"/videos/0", 0, "00" * 32)
    with pytest.raises(UsageError, match="are not files"):
        write_script(
            tmp_path / "t.sh", [PlannedCopy(none, none, "")], CopyAction.TRASH, store=tmp_path
        )


def test_a_place_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        write_script(tmp_path / "no/t.sh", [], CopyAction.TRASH, store=tmp_path)


def test_a_quoted_name_is_one_word_of_the_shell(tmp_path: Path) -> None:
    words = b" ".join(map(quoted, NAMES))
    shown = subprocess.run(
        ["sh", "-c", b"printf '%s\\0' " + words], capture_output=True, check=True, cwd=tmp_path
    )
    assert shown.stdout.split(b"\0")[:-1] == NAMES
