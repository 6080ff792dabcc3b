"""The snippets of docs/databases.md run, and answer as a count of bits does."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from chainpipe.hashing.database.formats import write_file
from chainpipe.hashing.database.open import database_for
from chainpipe.hashing.retrieval.codes import Codes
from tests.hashing.database.samples import expected, facts_of, rows_of, table_of
from tests.hashing.database.servers import ROOT
from tests.hashing.retrieval.answer_samples import random_bits, sample_codes

PAGE = (ROOT / "docs" / "databases.md").read_text(encoding="utf-8")
SNIPPET = re.compile(r"<!-- run: (\w+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
SNIPPETS: dict[str, list[str]] = {}
for _name, _language, _text in SNIPPET.findall(PAGE):
    SNIPPETS.setdefault(_name, []).append(_text)
Answers = list[tuple[int, str]]


@pytest.fixture(scope="module")
def codes() -> Codes:
    paths = tuple(b"fight/%02d.mp4" % row for row in range(40))
    return replace(sample_codes(random_bits(40, 64, 3)), paths=paths)


@pytest.fixture(scope="module")
def folder(codes: Codes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page's commands write."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("parquet", "sqlite", "jsonl"):
        write_file(folder / f"codes.{name}", table_of(codes), name)
    return folder


@pytest.fixture(scope="module")
def nearest(codes: Codes) -> Answers:
    """The nearest of ``fight/01.mp4``, itself first."""
    hits = expected(rows_of(table_of(codes)), codes.packed[1], 40)
    return [(hit.distance, hit.path) for hit in hits]


def printed(text: str, folder: Path) -> str:
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_snippet_has_a_test() -> None:
    assert {name: len(found) for name, found in SNIPPETS.items()} == {
        **{"duckdb": 1, "sqlite": 1, "postgresql": 2, "milvus": 1, "bytes": 1},
    }


@pytest.mark.parametrize("name", ["duckdb", "sqlite"])
def test_files_are_asked(name: str, folder: Path, nearest: Answers) -> None:
    assert ast.literal_eval(printed(SNIPPETS[name][0], folder)) == nearest[1:6]


@pytest.fixture
def filled(postgresql: str, codes: Codes) -> Iterator[psycopg.Connection]:
    """A PostgreSQL in whose table ``chainpipe_codes`` the codes are."""
    table = table_of(codes)
    with closing(database_for(postgresql, facts_of(table), recreate=True)) as database:
        database.push(rows_of(table))
    with psycopg.connect(postgresql, autocommit=True) as connection:
        yield connection
        connection.execute("DROP TABLE chainpipe_codes")


def test_postgresql_is_asked(filled: psycopg.Connection, nearest: Answers) -> None:
    exact, by_index = SNIPPETS["postgresql"]
    assert filled.execute(exact).fetchall() == nearest[1:6]
    create, select = by_index.split("\n\n")
    filled.execute(create)
    filled.execute("SET enable_seqscan = off")
    plan = "\n".join(line for (line,) in filled.execute(f"EXPLAIN {select}"))
    assert "Index Scan using clips_hnsw" in plan
    found = filled.execute(select).fetchall()
    assert [distance for distance, _ in found] == [distance for distance, _ in nearest[:6]]
    assert found[0] == nearest[0]


def test_milvus_is_asked(milvus: str, codes: Codes, folder: Path, nearest: Answers) -> None:
    table = table_of(codes)
    with closing(database_for(f"milvus://{milvus}/clips", facts_of(table))) as database:
        database.push(rows_of(table))
    text = SNIPPETS["milvus"][0]
    assert "localhost:19530" in text
    found = ast.literal_eval(printed(text.replace("localhost:19530", milvus), folder))
    assert [distance for distance, _ in found] == [distance for distance, _ in nearest[:6]]
    assert set(found) <= set(nearest)


def test_codes_become_signed_bytes(folder: Path, codes: Codes) -> None:
    found = ast.literal_eval(printed(SNIPPETS["bytes"][0], folder))
    assert found == codes.packed.view("int8")[0].tolist()


def test_the_settings_of_other_servers_are_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        json.loads(block)
