"""Milvus Lite: ties beyond a page, files, foreign collections, what it cannot do, servers away."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainpipe.hashing.database.milvus import server as server_module
from chainpipe.hashing.database.milvus import ties
from chainpipe.hashing.database.milvus.errors import milvus_errors
from chainpipe.hashing.database.open import database_for, open_database
from chainpipe.hashing.retrieval.codes import write_codes
from chainpipe.pipeline.errors import NotFoundError, StorageError, UsageError
from tests.hashing.database.samples import expected, facts_of, rows_of, table_of, tied_codes
from tests.hashing.database.servers import MILVUS_REASON, ROOT, milvus_python

_NUMBERS = count()


@pytest.fixture
def collection(milvus: str) -> str:
    """The address of a collection that is not there yet."""
    return f"milvus://{milvus}/lite_{next(_NUMBERS)}"


@pytest.fixture
def client(milvus: str) -> Iterator[Any]:
    from pymilvus import MilvusClient

    with closing(MilvusClient(f"http://{milvus}")) as found:
        yield found


@pytest.mark.parametrize("page", [3, 8, 20])
def test_ties_beyond_a_page_are_in_order(
    collection: str, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All codes of eight kinds: a page is full of equal distances, of which Milvus picks some."""
    source = table_of(tied_codes(150))
    rows = rows_of(source)
    monkeypatch.setattr(ties, "PAGE", page)
    monkeypatch.setattr(ties, "MORE", 0)
    with closing(database_for(collection, facts_of(source))) as database:
        database.push(rows)
        queries = source.codes.packed[:3]
        assert database.search(queries, 3) == [expected(rows, query, 3) for query in queries]


def test_a_foreign_collection_is_left_as_it_is(collection: str, client: Any) -> None:
    name = collection.rpartition("/")[2]
    client.create_collection(name, dimension=8)
    facts = facts_of(table_of(tied_codes()))
    for recreate in (False, True):
        with pytest.raises(UsageError, match="chainpipe did not make it"):
            database_for(collection, facts, recreate=recreate)
    assert client.has_collection(name)


@pytest.mark.parametrize(("dim", "words"), [(32, "vectors of 32 bits"), (None, "no field `path`")])
def test_a_collection_with_other_fields_is_refused(
    collection: str, client: Any, dim: int | None, words: str
) -> None:
    from pymilvus import DataType, MilvusClient

    facts = facts_of(table_of(tied_codes()))
    schema = MilvusClient.create_schema(description=facts.to_json())
    schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=80)
    schema.add_field("code", DataType.BINARY_VECTOR, dim=dim or 24)
    if dim:
        for name in ("path", "split", "labels"):
            schema.add_field(name, DataType.VARCHAR, max_length=80)
        for name in ("duration", "start_seconds", "end_seconds"):
            schema.add_field(name, DataType.DOUBLE)
    client.create_collection(collection.rpartition("/")[2], schema=schema)
    with pytest.raises(UsageError, match=words):
        open_database(collection)


def test_codes_of_another_model_are_refused_or_replace_all(collection: str) -> None:
    source = table_of(tied_codes(8))
    with closing(database_for(collection, facts_of(source))) as database:
        database.push(rows_of(source))
    other = table_of(tied_codes(6, bits=32))
    with pytest.raises(UsageError, match="holds codes of 20 bits, not 32"):
        database_for(collection, facts_of(other))
    with closing(database_for(collection, facts_of(other), recreate=True)) as database:
        assert database.count() == 0
        database.push(rows_of(other))
    with closing(open_database(collection)) as database:
        assert (database.count(), database.facts) == (6, facts_of(other))


def test_cells_are_refused_and_the_exact_index_stays(collection: str) -> None:
    source = table_of(tied_codes(30))
    rows = rows_of(source)
    with closing(database_for(collection, facts_of(source))) as database:
        database.push(rows)
        with pytest.raises(UsageError, match="BIN_IVF_FLAT, local mode only") as caught:
            database.set_index("ivf")
        assert "exact index only" in str(caught.value.hint)
        assert database.set_index("exact") == ""
        query = source.codes.packed[0]
        assert database.search(query[None], 9) == [expected(rows, query, 9)]
        with pytest.raises(UsageError, match="at most 16384, not 20000"):
            database.search(query[None], 20_000)


def test_what_is_not_there_is_said(collection: str) -> None:
    with pytest.raises(NotFoundError, match="no collection `lite_"):
        open_database(collection)


def test_a_server_that_is_away_or_silent_is_an_error_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert server_module.SECONDS == 10
    monkeypatch.setattr(server_module, "SECONDS", 1.5)
    monkeypatch.setenv("MILVUS_TOKEN", "me:hush-7c1f")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        for open_port in (True, False):
            with pytest.raises(StorageError, match="no answer from") as caught:
                open_database(f"milvus://127.0.0.1:{port}/clips")
            assert "hush" not in f"{caught.value} {caught.value.hint}"
            if open_port:
                silent.close()
        assert time.monotonic() - start < 15


def test_a_collection_that_vanishes_is_an_error(collection: str, client: Any) -> None:
    source = table_of(tied_codes(4))
    with closing(database_for(collection, facts_of(source))) as database:
        client.drop_collection(collection.rpartition("/")[2])
        with pytest.raises(StorageError, match="refuses"):
            database.push(rows_of(source))
        with pytest.raises(StorageError, match="refuses"):
            database.search(source.codes.packed[:1], 2)


def test_without_its_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="needs Milvus Lite") as caught:
        open_database(f"milvus+file:{tmp_path}/codes.db")
    assert "pymilvus 2.6 with Milvus Lite 2.5.1" in str(caught.value.hint)
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(UsageError, match="needs the package `pymilvus`") as caught:
        open_database("milvus://127.0.0.1/clips")
    assert caught.value.hint == "pip install 'chainpipe-video[milvus]'"


def test_a_milvus_lite_without_binary_vectors_says_which_has_them() -> None:
    from pymilvus import MilvusException

    words = "uses Milvus type BinaryVector which MilvusLite does not support"
    with pytest.raises(UsageError, match="BinaryVector") as caught, milvus_errors("codes.db"):
        raise MilvusException(message=words)
    assert "Milvus Lite 2.5.1" in str(caught.value.hint)


def test_a_file_is_pushed_and_searched_in_the_environment_of_milvus_lite(tmp_path: Path) -> None:
    python = milvus_python()
    if python is None:
        pytest.skip(MILVUS_REASON)
    codes = tied_codes(30)
    write_codes(tmp_path / "codes.npz", codes)
    first = bytes(codes.video_ids[0]).hex()
    run = [str(python), "-m", "chainpipe", "index"]

    def done(*words: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [*run, *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    assert "30 new, 0 changed" in done("push", "milvus+file:lite.db", "--codes", "codes.npz").stderr
    found = done("search", "milvus+file:lite.db", first, "-k", "5", "--json", "--keep-self").stdout
    rows = rows_of(table_of(codes))
    query = np.asarray(codes.packed[0])
    assert [hit.id for hit in expected(rows, query, 5)] == [
        line.split('"id": "')[1][:64] for line in found.splitlines()
    ]
    missing = done("search", "milvus+file:no/lite.db", first)
    assert (missing.returncode, "no folder for" in missing.stderr) == (2, True)
