"""The verbs ``index push``, ``index search`` and ``index remove`` on a real PostgreSQL."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.hashing.model_folder.folder import read_facts, save_model
from chainpipe.hashing.retrieval.codes import read_codes, write_codes
from chainpipe.pipeline.errors import NotFoundError, StorageError, UsageError
from tests.hashing.cli.test_cli import NAMES, Stage, stage
from tests.hashing.database.samples import with_windows

__all__ = ["stage"]  # the fixture
CODES = Path("models/feats-lsh-16/codes.npz")


@pytest.fixture
def encoded(stage: Stage) -> Stage:
    stage.run("encode")
    stage.said.clear()
    return stage


def answers(stage: Stage, *words: str) -> list[dict[str, object]]:
    out = stage.run("index", "search", *words, "--json")
    return [json.loads(line) for line in out.splitlines()]


def test_codes_are_pushed_once_and_found_as_search_finds_them(encoded: Stage, table: str) -> None:
    found = json.loads(encoded.run("index", "push", table, "--json"))
    assert found.pop("url").startswith("postgresql://postgres@")
    assert found == {"schema": 1, "new": 12, "changed": 0, "same": 0, "rows": 12, "index": "exact"}
    assert encoded.progressed["push"] == 12
    encoded.run("index", "push", table)
    assert encoded.said[-1].endswith("0 new, 0 changed, 12 as they were; 12 rows there")
    codes = read_codes(CODES)
    for row in (0, 5):
        name = bytes(codes.video_ids[row]).hex()
        lines = answers(encoded, table, name[:10], "-k", "4")
        distances = codes.distances(codes)[row]
        names = [bytes(one).hex() for one in codes.video_ids]
        order = sorted(set(range(12)) - {row}, key=lambda i: (distances[i], names[i]))
        wanted = [(NAMES[i], int(distances[i]), names[i]) for i in order[:4]]
        assert [(one["path"], one["distance"], one["id"]) for one in lines] == wanted
        assert [one["rank"] for one in lines] == [1, 2, 3, 4]
        assert list(lines[0]) == [
            *("schema", "query", "rank", "path", "id", "distance", "start", "end"),
        ]
        kept = answers(encoded, table, name, "--keep-self")
        assert [one["distance"] for one in kept if one["id"] == name] == [0]


def test_files_and_folders_are_extracted_and_encoded(encoded: Stage, table: str) -> None:
    encoded.run("index", "push", table)
    Path("more").mkdir()
    Path("more/x.mp4").write_bytes(b"ant but new")
    shutil.copy(encoded.root / "cow/c2.mp4", "more/y.mp4")
    Path("more/z.mp4").write_bytes(b"")
    code, out = encoded.run_to("index", "search", table, "more", "-k", "3", "--json")
    assert code == 3
    lines = [json.loads(line) for line in out.splitlines()]
    assert [one["query"] for one in lines] == ["more/x.mp4"] * 3 + ["more/y.mp4"] * 3
    assert "cow/c2.mp4" not in [one["path"] for one in lines[3:]]
    assert any("no frame decodes" in line for line in encoded.said)
    text = encoded.run("index", "search", table, "more/y.mp4", "-k", "2")
    assert text.startswith("nearest to more/y.mp4\n")
    assert len(text.splitlines()) == 5
    with pytest.raises(UsageError, match="no query that can be read"):
        encoded.run("index", "search", table, "more/z.mp4")


def test_windows_are_pushed_and_searched(encoded: Stage, table: str) -> None:
    codes = with_windows(read_codes(CODES))
    write_codes(Path("windows.npz"), codes)
    encoded.run("index", "push", table, "--codes", "windows.npz", "--windows")
    assert encoded.said[-1].endswith("36 new, 0 changed, 0 as they were; 36 rows there")
    clip = str(encoded.root / "ant/a0.mp4")
    lines = answers(encoded, table, clip, "-k", "33")
    assert len(lines) == 33  # all but the query's own three
    assert {(one["start"], one["end"]) for one in lines} == {(0, 2), (0.5, 2.5), (1, 3)}
    assert "time" in encoded.run("index", "search", table, clip, "-k", "2")
    with pytest.raises(UsageError, match="holds windows"):
        encoded.run("index", "search", table, bytes(codes.video_ids[0]).hex())
    with pytest.raises(UsageError, match="codes of windows, not videos"):
        encoded.run("index", "push", table)


def test_rows_are_removed(encoded: Stage, table: str) -> None:
    encoded.run("index", "push", table)
    names = [bytes(one).hex() for one in read_codes(CODES).video_ids[:2]]
    out = json.loads(encoded.run("index", "remove", table, *names, names[0], "--json"))
    assert (out["schema"], out["removed"], out["rows"]) == (1, 2, 10)
    for wrong in ("abc", names[0].upper(), names[0][:63]):
        with pytest.raises(UsageError, match="is no id"):
            encoded.run("index", "remove", table, wrong)
    with pytest.raises(UsageError, match="no id starts with"):
        encoded.run("index", "search", table, names[0])


def test_an_alone_video_has_no_answers(encoded: Stage, table: str) -> None:
    write_codes(Path("one.npz"), read_codes(CODES)[:1])
    encoded.run("index", "push", table, "--codes", "one.npz")
    name = bytes(read_codes(CODES).video_ids[0]).hex()
    (line,) = answers(encoded, table, name)
    assert (line["query"], line["rank"], line["path"]) == (name, None, None)
    assert encoded.run("index", "search", table, name) == f"nothing but {name} itself\n"


def test_equal_bytes_are_one_row_with_the_first_path(encoded: Stage, table: str) -> None:
    codes = read_codes(CODES)
    write_codes(Path("twice.npz"), codes[[0, 1, 0, 2]])
    encoded.run("index", "push", table, "--codes", "twice.npz")
    assert "1 row of the same bytes as others: one row a content" in encoded.said
    assert encoded.said[-1].endswith("3 new, 0 changed, 0 as they were; 3 rows there")


@pytest.mark.parametrize("index", ["ivf", "hnsw", "exact"])
def test_an_index_is_made_and_told(encoded: Stage, table: str, index: str) -> None:
    found = json.loads(encoded.run("index", "push", table, "--index", index, "--json"))
    assert found["index"] == index
    told = [line for line in encoded.said if line.startswith(f"index {index}")]
    assert bool(told) == (index != "exact")
    encoded.run("index", "push", table)
    name = bytes(read_codes(CODES).video_ids[0]).hex()
    assert len(answers(encoded, table, name, "-k", "5")) == 5


def test_wrong_requests_are_refused(encoded: Stage, table: str) -> None:
    with pytest.raises(UsageError, match="`postgresql` has no index `tree`"):
        encoded.run("index", "push", table, "--index", "tree")
    with pytest.raises(UsageError, match="`milvus` has no index `hnsw` over codes"):
        encoded.run("index", "push", "milvus://127.0.0.1:1/verbs", "--index", "hnsw")
    with pytest.raises(NotFoundError, match="no collection"):
        encoded.run("index", "search", table, "0" * 8)
    with pytest.raises(StorageError, match="no answer from"):
        encoded.run("index", "push", "postgresql://me@127.0.0.1:1/db")
    encoded.run("index", "push", table)
    with pytest.raises(UsageError, match="`--k 0` is impossible"):
        encoded.run("index", "search", table, "0" * 8, "-k", "0")
    with pytest.raises(UsageError, match="there is no file `nix`, and it is no id"):
        encoded.run("index", "search", table, "nix")


def test_an_ambiguous_id_is_refused(encoded: Stage, table: str) -> None:
    codes = read_codes(CODES)
    ids = np.array(codes.video_ids)
    ids[1, :16] = ids[0, :16]
    write_codes(Path("near.npz"), replace(codes, video_ids=ids))
    encoded.run("index", "push", table, "--codes", "near.npz")
    with pytest.raises(UsageError, match="several ids start with"):
        encoded.run("index", "search", table, bytes(ids[0]).hex()[:20])


def test_codes_of_another_model_are_not_mixed(encoded: Stage, table: str) -> None:
    encoded.run("index", "push", table)
    facts = read_facts(Path("models/feats-lsh-16"))
    directions = np.random.default_rng(5).normal(size=(6, 16))
    save_model(Path("models/other"), facts, {"mean": np.zeros(6), "directions": directions}, {})
    encoded.run("encode", "--model", "models/other")
    with pytest.raises(UsageError, match=r"holds codes of model \w{12}, not"):
        encoded.run("index", "push", table, "--model", "models/other")
    clip = str(encoded.root / "ant/a0.mp4")
    with pytest.raises(UsageError, match="holds codes of another model than `models/other`"):
        encoded.run("index", "search", table, clip, "--model", "models/other")
    encoded.run("index", "push", table, "--model", "models/other", "--recreate")
    assert len(answers(encoded, table, clip, "--model", "models/other", "-k", "3")) == 3
