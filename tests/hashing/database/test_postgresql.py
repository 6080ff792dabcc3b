"""PostgreSQL: indexes, foreign tables, rights, servers that are away, pushes that are killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest

from chainpipe.hashing.database.collection import CollectionFacts
from chainpipe.hashing.database.open import database_for, open_database
from chainpipe.hashing.database.postgresql import server as server_module
from chainpipe.hashing.retrieval.codes import write_codes
from chainpipe.pipeline.errors import NotFoundError, StorageError, UsageError
from tests.hashing.database.samples import expected, facts_of, rows_of, table_of, tied_codes
from tests.hashing.database.servers import ROOT
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

SECRET = "hush-7c1f"


@contextmanager
def connected(postgresql: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        yield connection


def name_of(table: str) -> str:
    return table.rpartition("table=")[2]


@pytest.mark.parametrize("index", ["ivf", "hnsw"])
def test_an_index_finds_most_and_is_remembered(table: str, index: str) -> None:
    source = table_of(sample_codes(random_bits(400, 32)))
    rows = rows_of(source)
    with closing(database_for(table, facts_of(source))) as database:
        database.push(rows)
        told = database.set_index(index)
        assert told.startswith(f"index {index}, ")
        assert float(told.split("recall@10 ")[1].split()[0]) >= 0.95
    with closing(open_database(table)) as database:
        assert database.facts.index == index
        assert database.facts.effort > 0
        queries = source.codes.packed[:20]
        good = 0
        for hits, query in zip(database.search(queries, 10), queries, strict=True):
            right = expected(rows, query, 10)
            assert hits == sorted(hits)
            assert set(hits) <= set(expected(rows, query, 400))
            good += sum(hit.distance <= right[-1].distance for hit in hits)
        assert good >= 0.9 * 200
        assert database.set_index("exact") == ""
        assert database.search(queries, 10) == [expected(rows, query, 10) for query in queries]


def test_pushes_after_an_index_are_found(table: str) -> None:
    source = table_of(tied_codes(40))
    rows = rows_of(source)
    with closing(database_for(table, facts_of(source))) as database:
        assert database.set_index("hnsw") == "index hnsw of no rows"
        database.push(rows)
        (hits,) = database.search(np.frombuffer(rows[3].code, np.uint8)[None], 40)
        assert len(hits) == 40


def test_a_table_of_another_program_is_left_as_it_is(table: str, postgresql: str) -> None:
    facts = facts_of(table_of(tied_codes()))
    with connected(postgresql) as connection:
        connection.execute(f"CREATE TABLE {name_of(table)} AS SELECT 7 AS mine")
        for recreate in (False, True):
            with pytest.raises(UsageError, match="chainpipe did not make it"):
                database_for(table, facts, recreate=recreate)
        with pytest.raises(UsageError, match="chainpipe did not make it"):
            open_database(table)
        assert connection.execute(f"SELECT mine FROM {name_of(table)}").fetchone() == (7,)


def test_codes_of_another_model_are_refused_or_replace_all(table: str) -> None:
    source = table_of(tied_codes(8))
    with closing(database_for(table, facts_of(source))) as database:
        database.push(rows_of(source))
    other = table_of(tied_codes(6, bits=32))
    with pytest.raises(UsageError, match="holds codes of 20 bits, not 32"):
        database_for(table, facts_of(other))
    with closing(database_for(table, facts_of(other), recreate=True)) as database:
        assert database.count() == 0
        database.push(rows_of(other))
    with closing(open_database(table)) as database:
        assert (database.count(), database.facts.bits) == (6, 32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP COLUMN path", "no column `path`"),
        ("ALTER COLUMN code TYPE bit(24)", r"codes of bit\(24\), not bit\(20\)"),
    ],
)
def test_a_table_that_was_altered_is_refused(
    table: str, postgresql: str, change: str, words: str
) -> None:
    facts = facts_of(table_of(tied_codes()))
    database_for(table, facts).close()
    with connected(postgresql) as connection:
        connection.execute(f"ALTER TABLE {name_of(table)} ADD COLUMN note text")
        database_for(table, facts).close()  # columns of the user do no harm
        connection.execute(f"ALTER TABLE {name_of(table)} {change}")
    with pytest.raises(UsageError, match=words):
        database_for(table, facts)


def test_names_keep_schema_and_capitals(postgresql: str) -> None:
    source = table_of(tied_codes(5))
    with connected(postgresql) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS media")
        address = f"{postgresql}&table=media.Codes"
        with closing(database_for(address, facts_of(source))) as database:
            database.push(rows_of(source))
            database.set_index("hnsw")
            database.set_index("ivf")
        assert connection.execute('SELECT count(*) FROM media."Codes"').fetchone() == (5,)
        connection.execute("DROP SCHEMA media CASCADE")


def test_what_is_not_there_is_said(postgresql: str, table: str) -> None:
    with pytest.raises(NotFoundError, match=f"no collection `{name_of(table)}`"):
        open_database(table)
    with pytest.raises(StorageError, match='database "nix" does not exist'):
        open_database(postgresql.replace("/postgres?", "/nix?"))
    with pytest.raises(UsageError, match="does not understand"):
        open_database(f"{postgresql}&colour=red")


def test_a_server_that_is_away_or_silent_is_an_error_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(StorageError, match="no answer from") as caught:
            open_database(f"postgresql://me@127.0.0.1:{port}/db?connect_timeout=2")
        assert time.monotonic() - start < 8
        assert caught.value.exit_code == 5
    with pytest.raises(StorageError, match="Connection refused"):
        open_database(f"postgresql://me@127.0.0.1:{port}/db")
    assert server_module.OPTIONS["connect_timeout"] == 10


def test_a_wrong_password_is_not_printed(
    postgresql: str, table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = facts_of(table_of(tied_codes()))
    database_for(table, facts).close()
    address = table.replace("postgres:@", "reader@")
    with connected(postgresql) as connection, password_needed(connection, "reader"):
        monkeypatch.setenv("PGPASSWORD", f"{SECRET}-wrong")
        with pytest.raises(StorageError, match="password authentication failed") as caught:
            open_database(address)
        assert SECRET not in f"{caught.value} {caught.value.hint}"
        monkeypatch.delenv("PGPASSWORD")
        passwords = tmp_path / "pgpass"
        passwords.write_text(f"*:*:*:reader:{SECRET}\n")
        passwords.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(passwords))
        with closing(open_database(address)) as database:
            with pytest.raises(StorageError, match="permission denied for table"):
                database.count()
            with pytest.raises(StorageError, match="permission denied"):
                database.push(rows_of(table_of(tied_codes())))
        with pytest.raises(StorageError, match="must be owner"):
            database_for(address, facts, recreate=True)


@contextmanager
def password_needed(connection: psycopg.Connection, role: str) -> Iterator[None]:
    """Let a role in with its password only."""
    found = connection.execute("SHOW hba_file").fetchone()
    assert found is not None
    rules = Path(found[0])
    before = rules.read_text()
    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'")
    rules.write_text(f"local all {role} scram-sha-256\n{before}")
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        rules.write_text(before)
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"DROP ROLE {role}")


def test_a_server_without_pgvector_says_what_is_missing(
    table: str, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = facts_of(table_of(tied_codes()))
    statements = server_module.create_table(name_of(table), facts)
    missing = [statements[0].replace("vector", "vektor"), *statements[1:]]
    monkeypatch.setattr(server_module, "create_table", lambda name, facts: missing)
    with pytest.raises(StorageError, match='extension "vektor" is not available') as caught:
        database_for(table, facts)
    assert "pgvector" in str(caught.value.hint)
    monkeypatch.undo()
    database_for(table, facts).close()
    with connected(postgresql) as connection:
        connection.execute("DROP EXTENSION vector CASCADE")
        with pytest.raises(StorageError, match="has pgvector none"):
            open_database(table)
        connection.execute("CREATE EXTENSION vector")


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match="needs the package `psycopg`") as caught:
        open_database("postgresql://me@127.0.0.1/db")
    assert caught.value.hint == "pip install 'chainpipe-video[postgresql]'"


def test_a_lost_connection_is_an_error_and_leaves_whole_batches(
    table: str, postgresql: str
) -> None:
    source = table_of(tied_codes(20))
    rows = rows_of(source)
    database = database_for(table, facts_of(source))
    database.push(rows[:8])
    with connected(postgresql) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'chainpipe'"
        )
    with pytest.raises(StorageError, match="no answer from"):
        database.push(rows[8:])
    with pytest.raises(StorageError, match="no answer from"):
        database.search(source.codes.packed[:1], 3)
    database.close()
    with closing(open_database(table)) as again:
        assert again.push(rows) == (12, 0, 8)


def test_rows_that_the_server_refuses_are_all_left_out(table: str) -> None:
    source = table_of(tied_codes(10))
    rows = rows_of(source)
    rows[7] = rows[7]._replace(number=1 << 40)
    with closing(database_for(table, facts_of(source))) as database:
        with pytest.raises(StorageError, match="refuses: value"):
            database.push(rows)
        assert database.count() == 0


def test_a_killed_push_is_taken_up_again(table: str, tmp_path: Path) -> None:
    codes = sample_codes(random_bits(30_000, 64))
    write_codes(tmp_path / "codes.npz", codes)
    command = [sys.executable, "-m", "chainpipe", "index", "push", table, "--codes", "codes.npz"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    database = database_for(table, CollectionFacts(64, "cd" * 32, "cnn:tiny"))
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=-1) as process:
        while process.poll() is None and not database.count():
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    there = database.count()
    assert there % 5000 == 0
    assert 0 < there < 30_000
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert f"{30_000 - there} new, 0 changed, {there} as they were; 30000 rows" in done.stderr
    database.close()


def test_an_index_of_another_table_is_left_as_it_is(table: str, postgresql: str) -> None:
    source = table_of(tied_codes(5))
    name = name_of(table)
    with (
        connected(postgresql) as connection,
        closing(database_for(table, facts_of(source))) as database,
    ):
        connection.execute(f"CREATE TABLE other_{name} AS SELECT 7 AS mine")
        connection.execute(f"CREATE INDEX {name}_code ON other_{name} (mine)")
        assert database.set_index("exact") == ""
        query = "SELECT count(*) FROM pg_indexes WHERE indexname = %s"
        assert connection.execute(query, [f"{name}_code"]).fetchone() == (1,)
