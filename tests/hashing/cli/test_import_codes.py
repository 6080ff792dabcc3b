"""Rivals' codes are judged as ours are: the same codes have the same scores, to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from chainpipe import command
from chainpipe.hashing.retrieval.codes import Codes, read_codes
from chainpipe.pipeline.records import Split
from tests.hashing.conftest import MakeStore, planted_features

KINDS = np.arange(60) % 4


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it wrote."""
    capsys.readouterr()
    code = command.run([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def scores(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    """Return what `eval --json` says of the codes, without their name."""
    code, out, told = run(capsys, "eval", "--json", *words)
    assert code == 0, told
    facts: dict[str, Any] = json.loads(out)
    del facts["method"]
    return facts


@pytest.fixture
def trained(
    request: pytest.FixtureRequest, make_store: MakeStore, tmp_path: Path, capsys
) -> tuple[Path, Codes]:
    """A model, and its codes of a labelled store, whose splits the parameter chooses."""
    splits = {
        "none": None,
        "test": [Split.TRAIN if row % 3 else Split.TEST for row in range(60)],
        "query": [(Split.TRAIN, Split.QUERY, Split.DATABASE)[row % 3] for row in range(60)],
    }[request.param]
    store = make_store(
        planted_features(60, 5, 12), labels=[f"kind {k}" for k in KINDS], splits=splits
    )
    model = tmp_path / "model"
    words = ("--method", "lsh", "--bits", 12, "--out", model)
    assert run(capsys, "train", store, *words)[0] == 0
    assert run(capsys, "encode", "--model", model)[0] == 0
    return model, read_codes(model / "codes.npz")


@pytest.mark.parametrize("trained", ["none", "test", "query"], indirect=True)
def test_our_codes_as_a_rivals_have_our_scores(trained, tmp_path: Path, capsys) -> None:
    model, codes = trained
    ours = scores(capsys, "--model", model)
    assert scores(capsys, "--codes", model / "codes.npz") == ours
    signs, rows = codes.numpy(signed=True).astype("f8"), np.flatnonzero(codes.split != Split.TRAIN)
    asking = np.flatnonzero(codes.split == Split.QUERY)
    if len(asking):
        base = np.flatnonzero(codes.split == Split.DATABASE)
        arrays = {"B": signs[base], "L": np.eye(4)[KINDS[base]]}
        arrays |= {"Bq": signs[asking], "Lq": np.eye(4)[KINDS[asking]]}
        more = ("--queries", "Bq", "--query-labels", "Lq")
    else:
        arrays, more = {"B": signs[rows], "L": np.eye(4)[KINDS[rows]]}, ()
    savemat(tmp_path / "rival.mat", arrays)
    out = tmp_path / "rival.npz"
    words = ("--key", "B", "--labels", "L", *more, "--out", out)
    code, printed, _ = run(capsys, "import", "codes", tmp_path / "rival.mat", *words)
    assert (code, printed) == (0, f"{out}\n")
    theirs = scores(capsys, "--codes", out)
    for facts in (ours, theirs):  # a rival's file holds the evaluated videos alone
        facts.pop("protocol")
    assert theirs == ours


@pytest.mark.parametrize("trained", ["none"], indirect=True)
def test_several_codes_files_queries_and_a_picture(trained, tmp_path: Path, capsys) -> None:
    _, codes = trained
    (codes[:20]).save(tmp_path / "q.npz")
    (codes[20:]).save(tmp_path / "db.npz")
    found = scores(capsys, "--codes", tmp_path / "db.npz", "--queries", tmp_path / "q.npz")
    assert (found["queries"], found["database"]) == (20, 40)
    both = ("--codes", tmp_path / "db.npz", "--codes", tmp_path / "q.npz")
    code, out, _ = run(capsys, "eval", *both, "--picture", tmp_path / "a.png")
    assert (code, "db.npz (db, 12 bits)" in out) == (0, True)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("trained", ["none"], indirect=True)
@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--model", "m"], 2, "judged by themselves"),
        (["--store", "s"], 2, "judged by themselves"),
        (["--distance", "asymmetric"], 2, "needs more than codes"),
        (["--distance", "rerank"], 2, "needs more than codes"),
        (["--codes", "SAME"], 2, "are given twice"),
        (["--codes", "nowhere.npz"], 10, "no codes file"),
        (["--codes", "bare.npz"], 2, "have no labels"),
        (["--queries", "short.npz"], 2, "the queries have 8 bits"),
        (["--protocol", "split"], 2, "no video is `query`"),
    ],
)
def test_options_that_do_not_fit(
    trained, words: list[str], code: int, told: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model, _ = trained
    Codes.from_bits(np.zeros((3, 12))).save("bare.npz")
    Codes.from_bits(np.zeros((3, 8)), labels=["kind 0"] * 3).save("short.npz")
    path = model / "codes.npz"
    given = [path if word == "SAME" else word for word in words]
    found, out, said = run(capsys, "eval", "--codes", path, *given)
    assert (found, out) == (code, "")
    assert told in " ".join(said.split())


def test_import_codes_writes_nothing_that_it_should_not(tmp_path: Path, capsys) -> None:
    path, out = tmp_path / "a.npy", tmp_path / "codes.npz"
    np.save(path, np.eye(4))
    code, _, told = run(capsys, "import", "codes", path, "--out", out)
    assert (code, "have no labels" in told) == (0, True)
    for words, wanted in (
        (["--out", out], "exists"),
        (["--out", path], "would be replaced"),
        (["--out", tmp_path], "would be replaced"),
        (["--out", tmp_path / "x.npz", "--query-labels", "L"], "need `--queries`"),
        (["--out", tmp_path / "x.npz", "--bit-order", "big"], "is of packed codes"),
        (["--out", tmp_path / "x.npz", "--bit-order", "middle"], "no bit order"),
        (["--out", tmp_path / "x.npz", "--bits", 4, "--sign"], "have no signs"),
        (["--out", tmp_path / "x.npz", "--bits", 4], "no packed codes of 4 bits"),
    ):
        code, _, told = run(capsys, "import", "codes", path, *words)
        assert (code, wanted in told) == (2, True), told
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.npy", "codes.npz"]
    code, printed, _ = run(capsys, "import", "codes", path, "--out", out, "--restart", "--json")
    facts = {"schema": 1, "codes": str(out), "videos": 4, "bits": 4, "labels": 0}
    assert (code, json.loads(printed)) == (0, facts)


def test_a_foreign_file_given_to_eval_names_the_command(tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "rival.npy", np.eye(4))
    code, _, told = run(capsys, "eval", "--codes", tmp_path / "rival.npy")
    assert code == 10
    assert "chainpipe import codes" in told


def test_restart_replaces_codes_files_only(
    make_store: MakeStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "codes.npy", np.eye(9, dtype="u1"))
    np.save(tmp_path / "kinds.npy", KINDS[:9])
    store = make_store(planted_features(9, 2, 4))
    words = ("import", "codes", tmp_path / "codes.npy", "--restart", "--out")
    for out in (store, tmp_path / "kinds.npy", tmp_path / "codes.npy"):
        before = out.read_bytes()
        code, _, told = run(capsys, *words, out)
        assert (code, out.read_bytes()) == (2, before)
        assert "would be replaced" in " ".join(told.split())
    for _ in range(2):
        assert run(capsys, *words, tmp_path / "codes.npz")[0] == 0
