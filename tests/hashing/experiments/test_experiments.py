"""Experiments: rows, means with intervals, kept runs, and what a user reads."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from chainpipe import command
from chainpipe.hashing.config import Config
from chainpipe.hashing.experiments.catalog import NAMES, experiment_plan
from chainpipe.hashing.experiments.class_split import split_by_class
from chainpipe.hashing.experiments.experiment import ExperimentRequest, prepare, run
from chainpipe.hashing.experiments.mean_curves import mean_curves
from chainpipe.hashing.experiments.plan import (
    ExperimentPlan,
    Variant,
    check_rows,
    config_of,
    select_rows,
)
from chainpipe.hashing.experiments.process_pool import run_in_processes
from chainpipe.hashing.experiments.result import RunResult, read_result
from chainpipe.hashing.experiments.rows_file import read_rows
from chainpipe.hashing.experiments.summary import estimate, summarize
from chainpipe.hashing.experiments.vary import custom_plan, parse_grid, vary
from chainpipe.hashing.retrieval.codes import Codes, Origin
from chainpipe.pipeline.errors import DamageError, StorageError, UsageError
from chainpipe.pipeline.records import Fingerprint, Split

MakeStore = Callable[..., Path]
TINY = {
    "input.dims": 8,
    "encoder.hidden_dim": 16,
    "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 16,
    "optim.epochs": 2,
    "optim.batch_size": 16,
}


@pytest.fixture
def labelled(make_store: MakeStore, planted: np.ndarray) -> Path:
    return make_store(planted, labels=[f"class {i % 4}" for i in range(len(planted))])


def asked(store: Path, out: Path, **changes: object) -> ExperimentRequest:
    plain = ExperimentRequest(
        stores=(store,),
        bits=(8,),
        seeds=2,
        values=TINY,
        listed=(),
        out=out,
        workers=1,
        device="cpu",
        restart=False,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def rows_of(*labels: str, name: str = "methods") -> ExperimentPlan:
    return select_rows(experiment_plan(name), labels)


def without_times(result: RunResult | None) -> dict[str, object]:
    """Return all of a result that does not depend on the clock."""
    assert result is not None
    times = ("cpu_seconds", "wall_seconds", "encode_cpu_seconds")
    return {name: value for name, value in asdict(result).items() if name not in times}


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_of_a_plan_have_distinct_folders_and_configs(name: str) -> None:
    plan = experiment_plan(name)
    assert len({row.slug for row in plan.rows}) == len(plan.rows)
    assert plan.reference in [row.label for row in plan.rows]
    configs = [(row.method, config_of(row, {})) for row in plan.rows]
    for number, one in enumerate(configs):
        assert one not in configs[:number]


def test_the_ablation_has_each_task_alone_each_pair_and_all() -> None:
    found = set()
    for row in experiment_plan("ablation").rows:
        if row.group in ("tasks", "paper"):
            config = config_of(row, {})
            assert isinstance(config, Config)
            parts = ("contrastive", "order", "scene")
            found.add((row.group, tuple(bool(getattr(config, part).weight) for part in parts)))
    assert len(found) == 2 * 7


@pytest.mark.parametrize("count", [2, 5])
def test_the_interval_is_that_of_scipys_student_t(count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).tolist()
    low, high = stats.t.interval(0.95, count - 1, loc=np.mean(values), scale=stats.sem(values))
    found = estimate(values)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))


def test_one_seed_has_no_interval_and_none_no_mean() -> None:
    assert str(estimate([0.5])) == "0.500"
    with pytest.raises(ValueError, match="no values"):
        estimate([])


def test_the_class_split_has_the_listed_and_the_other_videos() -> None:
    labels = np.eye(3, dtype=np.uint8)[[0, 1, 2, 0, 1]]
    labels[4, 0] = 1  # of two classes, one listed
    codes = Codes(
        bits=8,
        packed=np.arange(5, dtype=np.uint8)[:, None],
        video_ids=np.zeros((5, 32), np.uint8),
        paths=tuple(b"%d" % i for i in range(5)),
        labels=labels,
        split=np.zeros(5, np.uint8),
        label_names=("a", "b", "c"),
        origin=Origin(Fingerprint("cnn", "00", 4, "fit=crop"), "cd" * 32, "0.1.0"),
    )
    parts = split_by_class(codes, ["a"])
    assert parts["listed"].paths == (b"0", b"3", b"4")
    assert parts["listed"].labels.tolist() == [[1, 0, 0]] * 3
    assert parts["rest"].paths == (b"1", b"2")


def test_an_experiment_has_the_scores_that_eval_prints_of_each_model(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = prepare(rows_of("chain", "pca-itq"), asked(labelled, tmp_path / "out"))
    records = run(ready, workers=1)
    lines = summarize(records)
    assert [(line.row, line.scores["map", "5"].count) for line in lines] == [
        ("chain", 2),
        ("pca-itq", 2),
    ]
    for one, record in zip(ready.runs, records, strict=True):
        arguments = ["eval", "--model", str(one.folder), "--store", str(labelled), "--json"]
        assert command.run(arguments) == 0
        assert record.scores["all"] == json.loads(capsys.readouterr().out)
    values = [record.scores["all"]["map"]["5"] for record in records[:2]]
    assert lines[0].scores["map", "5"].mean == pytest.approx(np.mean(values))


def test_finished_runs_are_kept_and_other_settings_are_refused(
    labelled: Path, tmp_path: Path
) -> None:
    plan, mine = rows_of("chain", "lsh"), asked(labelled, tmp_path / "out")
    first = run(prepare(plan, mine), workers=1)
    again = prepare(plan, mine)
    assert again.pending == []
    assert run(again, workers=1) == first
    assert len(prepare(plan, replace(mine, seeds=3)).pending) == 2
    assert len(prepare(plan, replace(mine, restart=True)).pending) == 4
    with pytest.raises(UsageError, match=r"optim\.epochs: 2 / 3"):
        prepare(plan, replace(mine, values={**TINY, "optim.epochs": 3}))


def test_an_altered_result_is_refused(labelled: Path, tmp_path: Path) -> None:
    plan, mine = rows_of("lsh"), asked(labelled, tmp_path / "out")
    ready = prepare(plan, mine)
    run(ready, workers=1)
    ready.runs[0].result_path.write_text("{}")
    with pytest.raises(DamageError, match="truncated or altered"):
        prepare(plan, mine)
    ready.runs[0].result_path.unlink()
    assert len(prepare(plan, mine).pending) == 1


def test_a_killed_experiment_resumes_to_the_same_results(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    common = ["experiment", "methods", str(labelled), "--bits", "8,16", "--seeds", "2"]
    common += ["--rows", "chain", "--rows", "lsh", "--json", "--workers", "2", *keys]
    out = tmp_path / "killed"
    program = subprocess.Popen(
        [sys.executable, "-m", "chainpipe", *common, "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not list(out.glob("runs/*/*.json")) and time.monotonic() < deadline:
            assert program.poll() is None
            time.sleep(0.05)
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    assert list(out.glob("runs/*/*.json"))
    assert not (out / "results.csv").exists()
    found = []
    for folder in (out, tmp_path / "whole"):
        assert command.run([*common, "--out", str(folder)]) == 0
        found.append(json.loads(capsys.readouterr().out)["rows"])
    for row in (*found[0], *found[1]):
        row.pop("train_cpu_s")
    assert found[0] == found[1]
    kept, whole = (sorted(folder.glob("runs/*/*.json")) for folder in (out, tmp_path / "whole"))
    for one, other in zip(kept, whole, strict=True):
        assert without_times(read_result(one)) == without_times(read_result(other))


def test_a_report_a_table_and_plots_are_written(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, out = tmp_path / "classes.txt", tmp_path / "out"
    listed.write_text("class 1\nclass 2\n")
    arguments = ["experiment", "methods", str(labelled), "--bits", "8", "--seeds", "2"]
    arguments += ["--rows", "pca-itq", "--rows", "lsh", "--apart", str(listed), "--out", str(out)]
    assert command.run(arguments) == 0
    report = (out / "report.md").read_text()
    assert capsys.readouterr().out.strip() == report.strip()
    assert "## feats, 8 bits, the listed classes only" in report
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert [(row["row"], row["part"], row["seeds"]) for row in rows] == [
        (row, part, "2") for row in ("pca-itq", "lsh") for part in ("all", "listed", "rest")
    ]
    assert all(0 < float(row["map@5"]) <= 1 and float(row["map@5_half"]) >= 0 for row in rows)
    for name in ("picture.png", "pr_curves.png"):
        with Image.open(out / name) as picture:
            assert picture.size[0] > 400


def test_rows_are_listed_without_a_run(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["experiment", "encoders", str(labelled), "--out", str(tmp_path / "o"), "--list"]
    assert command.run(arguments) == 0
    assert "lstm: chain encoder.kind=lstm" in capsys.readouterr().out
    assert not (tmp_path / "o").exists()


def test_a_killed_worker_is_an_error(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = prepare(rows_of("lsh"), asked(labelled, tmp_path / "out"))
    bad = [replace(one, store=_Killer()) for one in ready.runs]  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="its process was killed"):
        run_in_processes(bad, workers=2, done=lambda result: None)


class _Killer:
    """Kills the process that unpacks it, as the system does where memory runs out."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        import os

        return os.kill, (_Own(), signal.SIGKILL)


class _Own:
    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        import os

        return os.getpid, ()


BAD = {  # as typed: what the error must name
    "nonsense STORE": "no experiment `nonsense`",
    "methods STORE --rows chian": "no row of `methods` is called `chian`",
    "methods STORE --bits many": "`--bits many`",
    "methods STORE --bits 0": "`--bits 0`",
    "methods STORE --seeds 0": "`--seeds 0`",
    "methods STORE --workers 0": "`--workers 0`",
    "custom STORE": "`custom` has no rows without `--vary`",
    "custom STORE --vary optim.lr": "`--vary optim.lr` is not a key and its values",
    "custom STORE --vary optim.lr=1,": "`--vary optim.lr=1,` is not a key and its values",
    "custom STORE --vary optim.rte=1": "no config key `optim.rte`",
    "custom STORE --vary optim.lr=1e-3,x": "`optim.lr` is `x`",
    "custom STORE --vary method=chian": "no method `chian`",
    "custom STORE --vary method=lsh --vary optim.lr=1": "no row has config keys",
    "custom STORE --vary optim.lr=1 --vary optim.lr=2": "`optim.lr` is varied twice",
    "custom STORE --vary optim.lr=1 --set optim.lr=1": "`optim.lr` is both varied and set",
    "methods STORE --vary method=lsh": "the rows of `methods` have their methods",
    "encoders STORE --vary encoder.kind=lstm": "the row `transformer` sets `encoder.kind` itself",
    "nowhere.toml STORE": "cannot read the rows `nowhere.toml`",
    "methods STORE STORE": "two stores are called `feats`",
    "methods STORE --set optim.rte=1": "optim.rte",
    "methods STORE --rows lsh --set optim.lr=1": "no row has config keys",
    "methods STORE --apart NAMES": "no class `clas 1`",
    "methods STORE --apart EVERY": "lists every class",
    "methods STORE --apart EMPTY": "names no class",
    "methods STORE --apart nowhere.txt": "cannot read the classes `nowhere.txt`",
    "methods nowhere.h5": "nowhere.h5",
    "methods BARE": "label",
    "spatial STORE": "the store has no augmented views",
}


@pytest.mark.parametrize(("typed", "named"), BAD.items())
def test_a_bad_experiment_is_refused_before_anything_is_trained(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    named: str,
) -> None:
    labels = [f"class {i % 4}" for i in range(len(planted))]
    places = {
        "STORE": make_store(planted, labels=labels, splits=[Split.NONE] * len(planted)),
        "BARE": make_store(planted, name="bare.h5"),
    }
    for name, text in {"NAMES": "clas 1", "EVERY": "\n".join(set(labels)), "EMPTY": "\n"}.items():
        places[name] = tmp_path / name
        places[name].write_text(text)
    words = [str(places.get(word, word)) for word in typed.split()]
    code = command.run(["experiment", *words, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert code in (2, 10)
    assert said.count("error:") == said.count("hint:") == 1
    assert named in said
    assert not (tmp_path / "out").exists()


def test_a_preset_that_a_method_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="`conmh` has no `--paper` preset"):
        config_of(Variant(label="x", method="conmh", paper=True), {})


def test_a_grid_has_every_combination_of_the_values() -> None:
    grid = parse_grid(["encoder.kind=lstm,transformer,lstm", "views.noise=0.0,0.5"])
    plan = custom_plan(grid)
    assert plan.varied == ("encoder.kind", "views.noise")
    assert [tuple(row.values.values()) for row in plan.rows] == [
        (kind, noise) for kind in ("lstm", "transformer") for noise in (0.0, 0.5)
    ]
    assert plan.rows[1].label == "encoder.kind=lstm, views.noise=0.5"
    assert plan.reference == plan.rows[0].label
    check_rows(plan, {})


def test_methods_without_a_varied_key_have_one_row() -> None:
    grid = parse_grid(["method=chain,conmh,lsh", "encoder.kind=lstm,transformer"])
    found = [(row.method, row.label) for row in custom_plan(grid).rows]
    assert found == [
        ("chain", "method=chain, encoder.kind=lstm"),
        ("chain", "method=chain, encoder.kind=transformer"),
        ("conmh", "method=conmh"),
        ("lsh", "method=lsh"),
    ]


def test_the_rows_of_a_plan_are_varied() -> None:
    plan = vary(rows_of("chain", "lsh"), parse_grid(["views.noise=0.0,0.5"]))
    assert [row.label for row in plan.rows] == [
        "chain, views.noise=0.0",
        "chain, views.noise=0.5",
        "lsh",
    ]
    assert plan.reference == "chain, views.noise=0.0"


def test_a_long_label_has_a_short_folder_name() -> None:
    long = [Variant(label="x" * 300 + end) for end in "ab"]
    assert all(len(row.slug) < 120 for row in long)
    assert len({row.slug for row in long}) == 2
    assert Variant(label="\u7f16\u7801 A").slug == "\u7f16\u7801-a"


ROWS = """
about = "Is wide better?"
reference = "wide"

[[row]]
label = "narrow, short"
bits = [8, 16]
set.encoder.width = 16
set.optim.epochs = 1

[[row]]
label = "wide"
paper = true
set = {"encoder.hidden_dim" = 32}

[[row]]
method = "lsh"
"""


def test_a_file_of_rows_is_a_plan(tmp_path: Path) -> None:
    path, told = tmp_path / "mine.toml", list[str]()
    path.write_text(ROWS)
    plan = read_rows(path, told.append)
    check_rows(plan, {})
    narrow, wide, lsh = plan.rows
    assert (plan.name, plan.about, plan.reference) == ("mine", "Is wide better?", "wide")
    assert plan.varied == ("encoder.hidden_dim", "optim.epochs")
    assert (narrow.bits, narrow.values["encoder.hidden_dim"]) == ((8, 16), 16)
    assert (wide.paper, wide.method, dict(wide.values)) == (
        True,
        "chain",
        {"encoder.hidden_dim": 32},
    )
    assert (lsh.label, lsh.method, lsh.bits) == ("lsh", "lsh", ())
    assert told == ["`encoder.width` is now called `encoder.hidden_dim`"]


BAD_ROWS = {  # content of the file: what the error must name
    "x": "is not TOML",
    "about = 'none'": "has no rows",
    "row = 1": "has no rows",
    "row = [1]": "row 1 is not a table",
    "[[rwo]]": "has no key `rwo`",
    "[[row]]\nlabl = 'a'": "row 1 has no key `labl`",
    "[[row]]\nlabel = 1": "`label` of row 1 is `1`",
    "[[row]]\npaper = 'yes'": "`paper` of row 1 is `yes`",
    "[[row]]\nset = 1": "`set` of row 1 is `1`",
    "[[row]]\nbits = '8'": "`bits` of row 1 is `8`",
    "[[row]]\nbits = 0": "`--bits 0`",
    "[[row]]\nmethod = 'chian'": "no method `chian`",
    "[[row]]\nset.optim.rte = 1": "no config key `optim.rte`",
    "[[row]]\nset.optim.lr = []": "`optim.lr` is `[]`",
    "[[row]]\nmethod = 'lsh'\nset.optim.lr = 1": "`lsh` has no config keys",
    "[[row]]\nmethod = 'lsh'\npaper = true": "`lsh` has no `--paper` preset",
    "[[row]]\nlabel = 'a'\n[[row]]\nlabel = 'A'": "two rows, `a` and `A`",
    "[[row]]\nlabel = '-'": "a row is called `-`",
    "reference = 'b'\n[[row]]\nlabel = 'a'": "the reference `b`",
}


@pytest.mark.parametrize(("content", "named"), BAD_ROWS.items())
def test_a_bad_file_of_rows_is_refused_before_anything_is_trained(
    labelled: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
    named: str,
) -> None:
    path, out = tmp_path / "rows.toml", tmp_path / "out"
    path.write_text(content)
    assert command.run(["experiment", str(path), str(labelled), "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("error:") == said.count("hint:") == 1
    assert named in said
    assert not out.exists()


def test_varied_keys_are_in_results_and_a_second_call_trains_nothing(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    keys = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    typed = ["experiment", "custom", str(labelled), "--bits", "8", "--seeds", "1", "--json", *keys]
    typed += ["--vary", "views.noise=0.0,0.5", "--out", str(out)]
    found = []
    for finished in ("0 of them finished", "2 of them finished"):
        assert command.run(typed) == 0
        said = capsys.readouterr()
        assert finished in said.err
        found.append(said.out)
    assert found[0] == found[1]
    rows = json.loads(found[0])["rows"]
    assert [row["values"] for row in rows] == [{"views.noise": 0.0}, {"views.noise": 0.5}]
    table = list(csv.DictReader((out / "results.csv").open()))
    assert [row["views.noise"] for row in table] == ["0.0", "0.5"]
    results = [read_result(path) for path in sorted(out.glob("runs/*/*.json"))]
    assert [result and result.values for result in results] == [row["values"] for row in rows]


def test_the_mean_curve_of_a_row_is_the_mean_over_its_seeds(labelled: Path, tmp_path: Path) -> None:
    results = run(prepare(rows_of("lsh"), asked(labelled, tmp_path / "out")), workers=1)
    (curve,) = mean_curves(results)
    for name, values in (("recall", curve.recall), ("precision", curve.precision)):
        each = [result.scores["all"]["pr_rank"][name] for result in results]
        assert values == pytest.approx(np.mean(each, axis=0))
    assert (curve.store, curve.row, curve.bits) == ("feats", "lsh", 8)
