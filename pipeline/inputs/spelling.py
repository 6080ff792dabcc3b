"""The same path spelled in other ways: backslashes, Unicode forms, blanks, 8 bits a letter."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator


def plain_form(path: bytes) -> bytes:
    """Return a path in Unicode's composed form, in which all spellings of a letter are equal.

    >>> plain_form("e\u0301.mp4".encode()) == "\u00e9.mp4".encode()
    True
    """
    return os.fsencode(plain_text(os.fsdecode(path)))


def plain_text(text: str) -> str:
    """Return text in Unicode's composed form.

    >>> plain_text("e\u0301") == "\u00e9"
    True
    """
    return unicodedata.normalize("NFC", text)


def spellings(path: bytes) -> Iterator[bytes]:
    r"""Yield a path as written, then as another system would have meant it.

    >>> list(spellings(b" cat\\1.mp4"))
    [b' cat\\1.mp4', b'cat\\1.mp4', b' cat/1.mp4', b'cat/1.mp4']
    """
    found = [path, path.strip()]
    found += [os.path.normpath(one.replace(b"\\", b"/")) for one in found if b"\\" in one]
    try:
        path.decode()
    except UnicodeDecodeError:
        found += [one.decode("cp1252", "replace").encode() for one in found]
    yield from dict.fromkeys(one for one in found if one)


class FileFinder:
    """Finds the file that a list's path means; folders are read once.

    Args:
        root: Folder that paths are relative to, ``os.fsencode``.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._names: dict[bytes, dict[bytes, bytes]] = {}

    def find(self, path: bytes) -> bytes:
        """Return the path of an existing file that is spelled alike, or ``path`` if none is."""
        if os.path.lexists(os.path.join(self._root, path)):
            return path
        return next(filter(None, map(self._existing, spellings(path))), path)

    def _existing(self, path: bytes) -> bytes | None:
        """Return the path whose every part exists, if need be in another Unicode form."""
        found = b""
        for part in path.split(b"/"):
            place = os.path.join(found, part)
            if part and not os.path.lexists(os.path.join(self._root, place)):
                name = self._names_in(found).get(plain_form(part))
                if name is None:
                    return None
                place = os.path.join(found, name)
            found = place or b"/"
        return found

    def _names_in(self, folder: bytes) -> dict[bytes, bytes]:
        """Return the names in a folder by their composed form."""
        if folder not in self._names:
            try:
                names = sorted(os.listdir(os.path.join(self._root, folder)))
            except OSError:
                names = []
            self._names[folder] = {plain_form(name): name for name in names}
        return self._names[folder]
