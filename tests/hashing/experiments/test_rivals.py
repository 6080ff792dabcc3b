"""The rivals' table: its rows, cases, kept runs, report and last sentence."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainpipe import command
from chainpipe.hashing.evaluation.copies import CopiesProtocol
from chainpipe.hashing.evaluation.protocol import Protocol
from chainpipe.hashing.experiments.rivals.cases import (
    COPIES,
    NEW_LISTED,
    NEW_REST,
    OWN,
    WITHOUT_COPIES,
    Case,
    case_rows,
    halves_by_class,
)
from chainpipe.hashing.experiments.rivals.experiment import (
    RivalsRequest,
    prepare_rivals,
    run_rivals,
)
from chainpipe.hashing.experiments.rivals.result import read_rival_result
from chainpipe.hashing.experiments.rivals.rows import (
    check_values,
    rival_rows,
    select_rival_rows,
)
from chainpipe.hashing.experiments.rivals.summary import RivalLine, summarize_rivals
from chainpipe.hashing.experiments.rivals.verdict import size_verdicts, verdict
from chainpipe.hashing.experiments.summary import SeedEstimate
from chainpipe.pipeline.errors import DamageError, NotFoundError, UsageError
from chainpipe.pipeline.records import Split
from chainpipe.pipeline.store import open_store

MakeStore = Callable[..., Path]
TINY = {"input.dims": 8, "encoder.hidden_dim": 16, "encoder.num_heads": 2, "optim.epochs": 1}
QUICK = ("pca-itq", "lsh", "pca int8", "sign", "cosine")


def features_of(videos: int, *, classes: int = 4, seed: int = 0) -> np.ndarray:
    """Draw features after a ReLU of videos whose class is their number modulo ``classes``."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(classes, 1, 16))
    own = rng.normal(size=(videos, 1, 16)) + 0.3 * rng.normal(size=(videos, 5, 16))
    return np.asarray(np.maximum(centres[np.arange(videos) % classes] + own, 0), np.float32)


@pytest.fixture
def store(make_store: MakeStore) -> Path:
    """64 videos of 4 classes, every other one of 4 a test video."""
    splits = [Split.TEST if i % 8 < 4 else Split.TRAIN for i in range(64)]
    labels = [f"class {i % 4}" for i in range(64)]
    return make_store(features_of(64), splits=splits, labels=labels)


@pytest.fixture
def copies(make_store: MakeStore, tmp_path: Path) -> tuple[Path, Path]:
    """20 originals, then a copy of each with a little noise; and truth.csv."""
    originals = features_of(20, classes=20, seed=1)
    noise = 0.01 * np.random.default_rng(2).normal(size=originals.shape)
    path = make_store(np.concatenate([originals, originals + noise]), name="copied.h5")
    videos = ["id,role,edits,kind"]
    videos += [f"{i:04d},original,," for i in range(20)]
    videos += [f"{i + 20:04d},copy,{('crop', 'mirror')[i % 2]},copy" for i in range(20)]
    (tmp_path / "videos.csv").write_text("\n".join(videos))
    truth = ["a,b,relation", *(f"{i:04d},{i + 20:04d},duplicate" for i in range(20))]
    (tmp_path / "truth.csv").write_text("\n".join(truth))
    return path, tmp_path / "truth.csv"


def asked(store: Path, out: Path, *, rows: Sequence[str] = QUICK, **more: object) -> RivalsRequest:
    plain = RivalsRequest(
        stores=(store,),
        sizes=(1, 2),
        seeds=2,
        rows=select_rival_rows(rival_rows(), rows),
        values={},
        listed=(),
        copies=None,
        out=out,
        workers=1,
        device="cpu",
        restart=False,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def test_the_rows_have_distinct_folders_and_conmh_runs_on_request_only() -> None:
    rows = rival_rows()
    assert len({row.slug for row in rows}) == len(rows)
    standard = {row.label for row in select_rival_rows(rows, ())}
    assert {row.label for row in rows} - standard == {"conmh"}
    assert [row.label for row in select_rival_rows(rows, ["conm*"])] == ["conmh, 20 epochs"]
    assert [row.label for row in select_rival_rows(rows, ["conmh"])] == ["conmh"]
    with pytest.raises(UsageError, match="no row of `rivals` is called `chian`"):
        select_rival_rows(rows, ["chian"])


def test_keys_are_set_on_the_rows_that_have_them() -> None:
    check_values(select_rival_rows(rival_rows(), ["chain", "lsh"]), TINY)
    with pytest.raises(UsageError, match="no row has config keys"):
        check_values(select_rival_rows(rival_rows(), ["lsh", "sign"]), TINY)
    with pytest.raises(UsageError, match=r"optim\.rte"):
        check_values(select_rival_rows(rival_rows(), ["chain"]), {"optim.rte": 1})


def test_codes_have_the_scores_of_eval(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = prepare_rivals(asked(store, tmp_path / "out", rows=("pca-itq",)))
    for one, result in zip(ready.runs, run_rivals(ready, workers=1), strict=True):
        arguments = ["eval", "--model", str(one.folder), "--store", str(store), "--json"]
        assert command.run(arguments) == 0
        expected = json.loads(capsys.readouterr().out)["map"]["20"]
        assert result.scores["map@20"] == pytest.approx(expected)
        assert result.bytes == one.size


def test_every_row_runs_at_its_sizes(make_store: MakeStore, tmp_path: Path) -> None:
    splits = [Split.TEST if i % 9 == 0 else Split.TRAIN for i in range(306)]
    store = make_store(
        features_of(306), splits=splits, labels=[f"class {i % 4}" for i in range(306)]
    )
    rows = [row.label for row in rival_rows() if not row.trained] + ["chain"]
    one = asked(store, tmp_path / "out", rows=rows, values=TINY, seeds=1, sizes=(1, 2, 64))
    lines = summarize_rivals(run_rivals(prepare_rivals(one), workers=1))
    found = {(line.row, line.bytes) for line in lines}
    small = ("chain", "pca-itq", "hashing-baseline", "lsh")
    expected = {(row, size) for row in small for size in (1, 2)}  # 512 bits are too many
    expected |= {(row, size) for row in ("pq", "pca int8") for size in (1, 2, 64)}
    expected |= {("pca float16", 2), ("pca float16", 64)}
    expected |= {("sign", 2), ("rabitq", 10), ("cosine", 64)}
    assert found == expected
    assert all(0.1 < line.scores["map@20"].mean <= 1 for line in lines)


def test_product_codes_of_few_videos_have_no_size(store: Path, tmp_path: Path) -> None:
    ready = prepare_rivals(asked(store, tmp_path / "out", rows=("pq", "lsh")))
    assert {one.row for one in ready.runs} == {"lsh"}


def test_finished_runs_are_kept_and_other_settings_are_refused(store: Path, tmp_path: Path) -> None:
    mine = asked(store, tmp_path / "out", rows=("lsh", "sign", "chain"), values=TINY)
    first = run_rivals(prepare_rivals(mine), workers=1)
    again = prepare_rivals(mine)
    assert again.pending == []
    assert run_rivals(again, workers=1) == first
    assert len(prepare_rivals(replace(mine, seeds=3)).pending) == 4  # signs have no seed
    assert len(prepare_rivals(replace(mine, restart=True)).pending) == len(again.runs)
    with pytest.raises(UsageError, match=r"optim\.epochs: 1 / 2"):
        prepare_rivals(replace(mine, values={**TINY, "optim.epochs": 2}))
    path = again.runs[0].result_path
    path.write_text("{}")
    with pytest.raises(DamageError, match="truncated or altered"):
        prepare_rivals(mine)
    path.unlink()  # its model is kept, its cost is not known any more
    assert len(prepare_rivals(mine).pending) == 1
    run_rivals(prepare_rivals(mine), workers=1)
    result = read_rival_result(path)
    assert result is not None
    assert result.train_cpu is None
    assert result.scores == first[0].scores


def test_two_processes_find_what_one_finds(store: Path, tmp_path: Path) -> None:
    rows = ("lsh", "rabitq")
    found = [
        run_rivals(prepare_rivals(asked(store, tmp_path / str(n), rows=rows)), workers=n)
        for n in (1, 2)
    ]
    assert [each.scores for each in found[0]] == [each.scores for each in found[1]]


def test_new_content_is_never_trained_on(store: Path) -> None:
    listed = ("class 0", "class 2")
    with open_store(store) as opened:
        for name, seen in ((NEW_REST, {0, 2}), (NEW_LISTED, {1, 3})):
            rows = case_rows(Case(name=name, store=store, listed=listed), opened)
            assert isinstance(rows.protocol, Protocol)
            assert set(rows.training % 4) == seen
            assert set(rows.protocol.queries % 4) == {0, 1, 2, 3} - seen
            assert np.array_equal(rows.protocol.queries, rows.protocol.database)
            assert {int(row) % 8 < 4 for row in rows.training} == {False}


def test_videos_of_both_halves_or_without_labels_are_in_neither() -> None:
    labels = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]], np.uint8)
    first, second = halves_by_class(labels, ("a", "b", "c"), ["a"])
    assert first.tolist() == [True, False, False, False]
    assert second.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("listed", "message"),
    [(["class 0", "class 1", "class 2", "class 3"], "lists every class"), (["clas 0"], "class 0")],
)
def test_classes_that_do_not_fit_are_refused(
    store: Path, tmp_path: Path, listed: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        prepare_rivals(asked(store, tmp_path, listed=tuple(listed)))


def test_a_half_without_videos_is_refused(make_store: MakeStore, tmp_path: Path) -> None:
    labels = ["a"] * 6 + ["b"] * 6
    trained_a = [Split.TRAIN] * 4 + [Split.TEST] * 8
    path = make_store(features_of(12), splits=trained_a, labels=labels)
    with pytest.raises(UsageError, match="0 videos to train on"):
        prepare_rivals(asked(path, tmp_path, listed=("b",)))
    asked_a = [Split.TRAIN] * 9 + [Split.TEST] * 3
    path = make_store(features_of(12), splits=asked_a, labels=labels, name="other.h5")
    with pytest.raises(UsageError, match="nothing to ask"):
        prepare_rivals(asked(path, tmp_path, listed=("b",)))


def test_copies_find_their_originals_trained_with_and_without_them(
    copies: tuple[Path, Path], store: Path, tmp_path: Path
) -> None:
    with open_store(copies[0]) as opened:
        for name, count in ((COPIES, 40), (WITHOUT_COPIES, 20)):
            rows = case_rows(Case(name=name, store=copies[0], truth=copies[1]), opened)
            assert isinstance(rows.protocol, CopiesProtocol)
            assert len(rows.training) == count
            assert rows.training[:20].tolist() == list(range(20))
    ready = prepare_rivals(asked(store, tmp_path / "out", copies=copies))
    lines = summarize_rivals(run_rivals(ready, workers=1))
    rates = {(line.case, line.row, line.bytes): line.main.mean for line in lines}
    assert rates[COPIES, "cosine", 64] == rates[WITHOUT_COPIES, "cosine", 64] == 1
    assert rates[COPIES, "lsh", 1] < 1
    edits = {name for line in lines if line.case != OWN for name in line.scores}
    assert edits == {"p@1", "p@1 crop", "p@1 mirror"}
    with pytest.raises(NotFoundError, match="nowhere"):
        prepare_rivals(asked(store, tmp_path, copies=(copies[0], tmp_path / "nowhere.csv")))


def line(row: str, size: int, mean: float, half: float = 0.01, case: str = OWN) -> RivalLine:
    scores = {"map@20": SeedEstimate(mean, half, 2)}
    return RivalLine("main", case, row, size, size or 160, scores, 1.0, 0.001)


def test_training_is_advised_where_it_leads_by_more_than_the_spread() -> None:
    lines = [
        *(line("chain", 2, 0.80), line("pca-itq", 2, 0.50), line("lsh", 2, 0.40)),
        *(line("chain", 8, 0.825), line("pca int8", 8, 0.82, math.nan), line("pq", 8, 0.70)),
        *(line("chain", 4, 0.83), line("pca int8", 4, 0.815), line("sign", 0, 0.99)),
    ]
    found = {each.size: each for each in size_verdicts(lines, frozenset({"chain"}))}
    assert {size: each.train for size, each in found.items()} == {2: True, 4: False, 8: False}
    assert found[8].spread == pytest.approx(0.01)  # a row without chance has none
    said = verdict(lines, frozenset({"chain"}))
    assert said.startswith("main: train `chain` at 2 bytes (+0.300 to `pca-itq`, spread 0.020)")
    assert "and take `pca int8` at 4 bytes (`chain` +0.015, spread 0.020)" in said
    assert said.endswith(".")


def test_one_seed_is_said_and_nothing_to_compare_too() -> None:
    lines = [line("chain", 2, 0.8, math.nan), line("lsh", 2, 0.4, math.nan)]
    assert "one seed" in verdict(lines, frozenset({"chain"}))
    assert "nothing is compared" in verdict(lines[:1], frozenset({"chain"}))


def test_the_command_writes_report_table_and_picture(
    store: Path,
    copies: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, names = tmp_path / "out", tmp_path / "classes.txt"
    names.write_text("class 0\nclass 1\n")
    arguments = ["experiment", "rivals", str(store), "--bytes", "2,1", "--seeds", "2"]
    arguments += ["--new-content", str(names), "--copies", *map(str, copies), "--out", str(out)]
    arguments += [part for label in QUICK for part in ("--rows", label)]
    assert command.run(arguments) == 0
    report = (out / "report.md").read_text()
    assert capsys.readouterr().out.strip() == report.strip()
    for words in (
        "| row | 1 bytes | 2 bytes | own size |",
        "new content, trained on the listed classes",
        "copies, trained without the copies",
        "P@1 by edit",
        "CPU ms of a query",
        "nothing is compared",
    ):
        assert words in report
    with (out / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["case"] for row in rows} == {OWN, NEW_LISTED, NEW_REST, COPIES, WITHOUT_COPIES}
    with Image.open(out / "picture.png") as picture:
        assert picture.size[0] > 400
    assert command.run([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == 1
    assert {row["row"] for row in printed["rows"]} == set(QUICK)


BAD = {  # as typed: what the error must name
    "rivals STORE --bits 16": "`experiment rivals` has no option `--bits`",
    "rivals STORE --vary optim.lr=1": "`experiment rivals` has no option `--vary`",
    "methods STORE --bytes 2": "`experiment methods` has no option `--bytes`",
    "rivals STORE --bytes many": "`--bytes many` is not a list of sizes",
    "rivals STORE --bytes 0": "`--bytes 0` is impossible",
    "rivals STORE --seeds 0": "`--seeds 0`",
    "rivals STORE --workers 0": "`--workers 0`",
    "rivals STORE --rows chian": "no row of `rivals` is called `chian`",
    "rivals STORE --new-content nowhere.txt": "cannot read the classes `nowhere.txt`",
    "rivals STORE STORE": "two stores are called `feats`",
    "rivals nowhere.h5": "nowhere.h5",
    "rivals STORE --rows chain --bytes 64": "no row has one of these sizes",
}


@pytest.mark.parametrize("typed", BAD)
def test_a_bad_option_is_named(
    typed: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(store) if word == "STORE" else word for word in typed.split()]
    assert command.run(["experiment", *words, "--out", str(tmp_path / "out")]) != 0
    assert BAD[typed] in " ".join(capsys.readouterr().err.split())


def test_the_rows_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["experiment", "rivals", "any.h5", "--list"]) == 0
    printed = capsys.readouterr().out
    assert "conmh: ConMH, its published epochs, only if named by --rows" in printed
    assert command.run(["experiment", "rivals", "any.h5", "--list", "--rows", "p*"]) == 0
    assert capsys.readouterr().out.startswith("pca-itq: ")
