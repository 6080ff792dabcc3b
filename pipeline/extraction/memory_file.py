"""A video that the caller holds as bytes, as a file that other processes can open."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def file_of_bytes(content: bytes) -> Iterator[Path]:
    """Yield the path of a read-only file with some bytes; it is gone afterwards.

    On Linux it lies in memory and is sealed: nobody can change it, and it goes with this process,
    even when that is killed. Elsewhere it is a temporary file that only this user can read.

    Args:
        content: The bytes.

    Yields:
        A path that this process and its children can open.

    Example:
        >>> with file_of_bytes(b"abc") as path:
        ...     path.read_bytes()
        b'abc'
    """
    if sys.platform == "linux":
        import fcntl

        descriptor = os.memfd_create("video", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            yield Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile(prefix="chainpipe-") as file:
            file.write(content)
            file.flush()
            os.chmod(file.name, 0o400)
            yield Path(file.name)
