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
from chainpipe.hashing.experiments.plan import ExperimentPlan, Variant, chosen, config_of
from chainpipe.hashing.experiments.process_pool import run_in_processes
from chainpipe.hashing.experiments.result import RunResult, read_result
from chainpipe.hashing.experiments.summary import estimate, summarize
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
    return chosen(experiment_plan(name), labels, {})


def judged(record: RunResult | None) -> dict[str, object]:
    """Everything of a record that does not depend on the clock."""
    assert record is not None
    times = ("cpu_seconds", "wall_seconds", "encode_cpu_seconds")
    return {name: value for name, value in asdict(record).items() if name not in times}


@pytest.mark.parametrize("name", NAMES)
def test_the_rows_of_a_plan_are_told_apart_and_each_changes_something(name: str) -> None:
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
def test_an_interval_is_students(count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).tolist()
    low, high = stats.t.interval(0.95, count - 1, loc=np.mean(values), scale=stats.sem(values))
    found = estimate(values)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))


def test_one_seed_has_no_interval_and_none_no_mean() -> None:
    assert str(estimate([0.5])) == "0.500"
    with pytest.raises(ValueError, match="no value"):
        estimate([])


def test_the_parts_of_the_classes_are_evaluated_among_themselves() -> None:
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


def test_an_experiment_says_what_eval_says_of_each_model(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = prepare(rows_of("chain", "pca-itq"), asked(labelled, tmp_path / "out"))
    records = run(ready, workers=1)
    lines = summarize(records)
    assert [(line.row, line.scores["map", "5"].count) for line in lines] == [
        ("chain", 2),
        ("pca-itq", 2),
    ]
    for job, record in zip(ready.jobs, records, strict=True):
        arguments = ["eval", "--model", str(job.folder), "--store", str(labelled), "--json"]
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
    assert again.waiting == []
    assert run(again, workers=1) == first
    assert len(prepare(plan, replace(mine, seeds=3)).waiting) == 2
    assert len(prepare(plan, replace(mine, restart=True)).waiting) == 4
    with pytest.raises(UsageError, match=r"optim\.epochs: 2 / 3"):
        prepare(plan, replace(mine, values={**TINY, "optim.epochs": 3}))


def test_an_altered_record_is_named(labelled: Path, tmp_path: Path) -> None:
    plan, mine = rows_of("lsh"), asked(labelled, tmp_path / "out")
    ready = prepare(plan, mine)
    run(ready, workers=1)
    ready.jobs[0].record.write_text("{}")
    with pytest.raises(DamageError, match="truncated or altered"):
        prepare(plan, mine)
    ready.jobs[0].record.unlink()
    assert len(prepare(plan, mine).waiting) == 1


def test_a_killed_experiment_goes_on_to_the_same_figures(
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
        assert judged(read_result(one)) == judged(read_result(other))


def test_a_page_a_table_and_a_picture_are_written(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, out = tmp_path / "classes.txt", tmp_path / "out"
    listed.write_text("class 1\nclass 2\n")
    arguments = ["experiment", "methods", str(labelled), "--bits", "8", "--seeds", "2"]
    arguments += ["--rows", "pca-itq", "--rows", "lsh", "--apart", str(listed), "--out", str(out)]
    assert command.run(arguments) == 0
    page = (out / "page.md").read_text()
    assert capsys.readouterr().out.strip() == page.strip()
    assert "## feats, 8 bits, the listed classes among themselves" in page
    rows = list(csv.DictReader((out / "results.csv").open()))
    assert [(row["row"], row["part"], row["seeds"]) for row in rows] == [
        (row, part, "2") for row in ("pca-itq", "lsh") for part in ("all", "listed", "rest")
    ]
    assert all(0 < float(row["map@5"]) <= 1 and float(row["map@5_half"]) >= 0 for row in rows)
    with Image.open(out / "picture.png") as picture:
        assert picture.size[0] > 400


def test_rows_are_listed_without_a_run(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["experiment", "encoders", str(labelled), "--out", str(tmp_path / "o"), "--list"]
    assert command.run(arguments) == 0
    assert "lstm: chain encoder.kind=lstm" in capsys.readouterr().out
    assert not (tmp_path / "o").exists()


def test_a_killed_worker_is_said(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = prepare(rows_of("lsh"), asked(labelled, tmp_path / "out"))
    bad = [replace(job, store=_Killer()) for job in ready.jobs]  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="its process was killed"):
        run_in_processes(bad, workers=2, done=lambda record: None)


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
