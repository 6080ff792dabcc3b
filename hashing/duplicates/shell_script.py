"""A shell script that a user reads, and then runs, to be rid of copies; nothing here runs it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from chainpipe.pipeline.console import counted, format_size, printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors


class CopyAction(Enum):
    """What the script does with each copy that is not kept; the value is the word on the line."""

    TRASH = "trash"
    HARDLINK = "hardlink"
    REFLINK = "reflink"
    REMOVE = "remove"

    @property
    def text(self) -> str:
        """What it does, for people."""
        return _TEXTS[self]

    @property
    def shares_bytes(self) -> bool:
        """Whether the copy's bytes are replaced by those of the kept file."""
        return self in (CopyAction.HARDLINK, CopyAction.REFLINK)


_TEXTS = {
    CopyAction.TRASH: "moves each copy to the trash",
    CopyAction.HARDLINK: "replaces each copy by a hard link to the kept file",
    CopyAction.REFLINK: "replaces each copy by a clone that shares the kept file's blocks",
    CopyAction.REMOVE: "deletes each copy for good",
}


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it was when it was extracted.

    Attributes:
        file: ``os.fsencode`` of its full path.
        size: Bytes.
        sha256: Of its bytes, hexadecimal.
    """

    file: bytes
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PlannedCopy:
    """A copy that may go.

    Attributes:
        keep: The file to keep.
        copy: The copy of it.
        why: What was found, one line.
    """

    keep: FileState
    copy: FileState
    why: str

    @property
    def exact(self) -> bool:
        """Whether both have the same bytes."""
        return self.keep.sha256 == self.copy.sha256


def write_script(
    path: Path, planned: Sequence[PlannedCopy], action: CopyAction, *, store: Path
) -> None:
    """Write the script, executable for its owner.

    Each line does something only if both files are there, are different files, and still have the
    size and the bytes that they had when they were extracted. Links are made of copies with the
    same bytes only; the others are named in comments.

    Args:
        path: The script.
        planned: The copies that may go.
        action: What it does with them.
        store: The store, named in the header.

    Raises:
        UsageError: If the store's videos are not files.
        StorageError: If it cannot be written.
    """
    if planned and not any(one.copy.size for one in planned):
        message = f"the videos of `{printable(store)}` are not files"
        raise UsageError(message, hint="leave out `--script`")
    acted = [one for one in planned if one.exact or not action.shares_bytes]
    lines = [_header(acted, action, store), _FUNCTIONS, _ACTIONS[action]]
    kept = b""
    for one in planned:
        if one.keep.file != kept:
            kept = one.keep.file
            lines.append(b"\n# keep " + _comment(kept))
        lines.append(b"# " + one.why.encode("utf-8", "backslashreplace"))
        if one.exact or not action.shares_bytes:
            lines.append(_line(one))
        else:
            lines.append(b"# not the same bytes, so it stays: " + _comment(one.copy.file))
    lines.append(_FOOTER)
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(b"\n".join(lines))
        os.chmod(temporary, stat.S_IRWXU)


def _line(one: PlannedCopy) -> bytes:
    words = [b"copy_of", quoted(one.keep.file), quoted(one.copy.file)]
    for state in (one.keep, one.copy):
        words += [b"%d" % state.size, state.sha256.encode()]
    return b" ".join(words)


def quoted(name: bytes) -> bytes:
    r"""Return a name as one word of the shell, whatever bytes are in it.

    >>> quoted(b"it's.mp4"), quoted(b"new\nline \xff.mp4")
    (b"'it'\\''s.mp4'", b"'new\nline \xff.mp4'")
    """
    return b"'" + name.replace(b"'", b"'\\''") + b"'"


def _comment(name: bytes) -> bytes:
    """Return a name for a comment: one line, nothing but printable characters."""
    return printable(name).encode("utf-8", "backslashreplace")


def _header(acted: Sequence[PlannedCopy], action: CopyAction, store: Path) -> bytes:
    freed = format_size(sum(one.copy.size for one in acted))
    lines = [
        "#!/bin/sh",
        f"# Written by `chainpipe dedup {printable(store)}`. Read it before you run it.",
        "#",
        f"# It {action.text}: {counted(len(acted), 'file')}, {freed}.",
        "# Delete the lines of copies that should stay. A line does nothing, and says so, where",
        "# one of its two files is gone, has changed, or is a link to the other.",
    ]
    if action.shares_bytes:
        lines.append("# Only copies with the same bytes are replaced.")
    if action is CopyAction.REMOVE:
        lines.append("# What it deletes does not come back; `--action trash` is the careful way.")
    return "\n".join(lines).encode("utf-8", "backslashreplace")


# Names are absolute paths, so none starts with a dash.
_FUNCTIONS = rb"""
set -u
LC_ALL=C
export LC_ALL
done=0
left=0
sure=

leave() {
    printf 'left alone: %s: %s\n' "$1" "$2" >&2
    left=$((left + 1))
}

# Whether a file has some size and SHA-256; the SHA-256 where a program for it is there.
unchanged() {
    [ "$(wc -c < "$1" | tr -d ' ')" = "$2" ] || return 1
    if command -v sha256sum > /dev/null 2>&1; then
        [ "$(sha256sum < "$1" | cut -c 1-64)" = "$3" ]
    elif command -v shasum > /dev/null 2>&1; then
        [ "$(shasum -a 256 < "$1" | cut -c 1-64)" = "$3" ]
    fi
}

# copy_of KEPT COPY SIZE_OF_KEPT SHA256_OF_KEPT SIZE_OF_COPY SHA256_OF_COPY
copy_of() {
    if [ ! -f "$1" ] || [ ! -r "$1" ]; then
        leave "$2" 'the file to keep is gone'
    elif [ ! -f "$2" ] || [ -L "$2" ]; then
        leave "$2" 'it is gone, or a link'
    elif [ "$1" -ef "$2" ]; then
        leave "$2" 'it is the very file to keep'
    elif [ "$1" != "$sure" ] && ! unchanged "$1" "$3" "$4"; then
        leave "$2" 'the file to keep has changed'
    elif sure=$1; ! unchanged "$2" "$5" "$6"; then
        leave "$2" 'it has changed'
    elif act "$1" "$2"; then
        done=$((done + 1))
    else
        leave "$2" 'that did not work'
    fi
}
"""

_TRASH = rb"""
# The desktop's trash if `gio` or `trash-put` is there, else that of the home folder.
act() {
    if command -v gio > /dev/null 2>&1 && gio trash "$2" 2> /dev/null; then
        return 0
    elif command -v trash-put > /dev/null 2>&1 && trash-put "$2"; then
        return 0
    fi
    trash=${XDG_DATA_HOME:-$HOME/.local/share}/Trash
    mkdir -p "$trash/files" "$trash/info" || return 1
    name=$(basename "$2"; printf x)
    name=${name%??}
    place=$name
    number=1
    while [ -e "$trash/files/$place" ] || [ -L "$trash/files/$place" ] \
        || [ -e "$trash/info/$place.trashinfo" ]; do
        number=$((number + 1))
        place=$number-$name
    done
    printf '[Trash Info]\nPath=%s\nDeletionDate=%s\n' "$(escaped "$2")" \
        "$(date +%Y-%m-%dT%H:%M:%S)" > "$trash/info/$place.trashinfo" || return 1
    mv "$2" "$trash/files/$place" || { rm -f "$trash/info/$place.trashinfo"; return 1; }
}

# A path as the trash notes it: every byte but slashes as %XX.
escaped() {
    printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | sed -e 's/ /%/g' -e 's/%2f/\//g'
}
"""

_HARDLINK = rb"""
act() {
    new=$2.chainpipe-link
    [ ! -e "$new" ] && ln "$1" "$new" && mv -f "$new" "$2"
}
"""

_REFLINK = rb"""
act() {
    new=$2.chainpipe-link
    [ ! -e "$new" ] || return 1
    cp --reflink=always -p "$1" "$new" && mv -f "$new" "$2" && return 0
    rm -f "$new"
    return 1
}
"""

_REMOVE = rb"""
act() {
    rm -f "$2"
}
"""

_ACTIONS = {
    CopyAction.TRASH: _TRASH,
    CopyAction.HARDLINK: _HARDLINK,
    CopyAction.REFLINK: _REFLINK,
    CopyAction.REMOVE: _REMOVE,
}

_FOOTER = rb"""
printf '%s done, %s left alone\n' "$done" "$left"
[ "$left" -eq 0 ]
"""
