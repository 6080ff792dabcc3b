"""The first 512 bytes of an HDF5 store: one JSON line with the SHA-256 of all bytes after them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ...errors import DamageError
from ..integrity.faults import REPAIR
from ..layout import FORMAT, VERSION

SIZE = 512  # smallest user block that HDF5 allows; its own library ignores the content
_START = f'{{"format": "{FORMAT}"'.encode()


def render(*, size: int, sha256: str) -> bytes:
    r"""Return the block for a file of ``size`` bytes.

    >>> block = render(size=4096, sha256="00")
    >>> len(block), block.split(b"\n")[0]
    (512, b'{"format": "chainpipe-features", "version": 1, "size": 4096, "sha256": "00"}')
    """
    facts = {"format": FORMAT, "version": VERSION, "size": size, "sha256": sha256}
    return (json.dumps(facts).encode() + b"\n").ljust(SIZE, b"\0")


def digest(path: Path) -> str:
    """Return the SHA-256 of all bytes after the block."""
    with open(path, "rb") as file:
        file.seek(SIZE)
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(path: Path) -> str:
    """Write the block into a file whose other bytes are final; return the SHA-256."""
    sha256 = digest(path)
    handle = os.open(path, os.O_WRONLY)
    try:
        os.pwrite(handle, render(size=os.path.getsize(path), sha256=sha256), 0)
    finally:
        os.close(handle)
    return sha256


def recorded_sha256(path: Path) -> str | None:
    """Return the SHA-256 that the block names, or ``None`` if the file has no such block.

    Raises:
        DamageError: If the block is altered or the file has another length than written.
    """
    with open(path, "rb") as file:
        block = file.read(SIZE)
    if not block.startswith(_START):
        return None
    try:
        facts = json.loads(block.split(b"\n")[0])
        size, sha256 = facts["size"], facts["sha256"]
        whole = render(size=size, sha256=sha256) == block
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        where = f"in its first {SIZE} bytes"
        raise DamageError(f"`{path}` is damaged {where}", hint=REPAIR)
    found = os.path.getsize(path)
    if found != size:
        message = f"`{path}` is cut or grown: {found} bytes, {size} were written"
        raise DamageError(message, hint=REPAIR)
    return str(sha256)
