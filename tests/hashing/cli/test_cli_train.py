"""The verb `train`: options to config, data on stdout, talk elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.train import chosen_config, train
from chainpipe.pipeline.errors import UsageError

MakeStore = Callable[..., Path]

SMALL = [
    "--set",
    "encoder.hidden_dim=16",
    "--set",
    "encoder.feed_forward_dim=16",
    "--set",
    "input.dims=8",
]


class Program:
    """The verb with tools that write down what they are told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.advanced: list[tuple[str, int | None, int]] = []
        self.app = typer.Typer()
        self.app.callback()(lambda: None)
        self.app.command("train")(train)

    def __call__(self, *arguments: str) -> str:
        nothing = Tools(
            find=lambda folder: [],
            features=lambda paths, meta: [],
            thumbnails=lambda paths, side: [],
            progress=self._progress,
            log=self.said.append,
            warn=self.said.append,
        )
        result = CliRunner().invoke(
            self.app, ["train", *arguments], obj=nothing, catch_exceptions=False
        )
        assert result.exit_code == 0, result.output
        return result.stdout

    @contextmanager
    def _progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        yield lambda count: self.advanced.append((what, total, count))


def test_a_run_prints_its_folder_and_says_its_losses(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    program, out = Program(), str(tmp_path / "m")
    printed = program(
        str(make_store(planted)), "--bits", "8", "--epochs", "3", "--out", out, *SMALL
    )
    assert printed == f"{out}\n"
    assert program.said[-1].startswith("epoch 3 of 3: loss ")
    assert program.advanced == [("training", 3, 1)] * 3


def test_json_tells_the_same_to_programs(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    path, out = str(make_store(planted)), str(tmp_path / "m")
    arguments = (path, "--bits", "8", "--epochs", "2", "--out", out, "--json", *SMALL)
    first, again = json.loads(Program()(*arguments)), json.loads(Program()(*arguments))
    assert (first["schema"], first["bits"], first["videos"]) == (1, 8, 40)
    assert [row["epoch"] for row in first["history"]] == [1, 2]
    assert (first["already_done"], again["already_done"]) == (False, True)
    assert first["weights_sha256"] == again["weights_sha256"]


def test_each_comparison_of_a_task_has_a_bar_of_its_own(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    program = Program()
    arguments = ["--bits", "8", "--epochs", "2", "--out", str(tmp_path / "m"), "--compare-tasks"]
    printed = program(str(make_store(planted)), *arguments, "--json", *SMALL)
    tasks = ["contrastive", "order", "scene"]
    effects = json.loads(printed)["task_effects"]
    assert list(effects) == tasks
    titles = ["training", *(f"training without {task}" for task in tasks)]
    assert program.advanced == [(title, 2, 1) for title in titles for _ in range(2)]
    for task in tasks:
        assert f"`{task}` changed {100 * effects[task]:.2f} % of the bits" in program.said
    assert "".join(program.said).count("epoch 2 of 2") == 1  # of the first training only


def test_a_run_that_trains_no_epochs_says_why_and_what_to_do(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    program = Program()
    few = str(make_store(planted[:20]))
    arguments = (few, "--bits", "8", "--out", str(tmp_path / "m"), *SMALL)
    for _ in range(2):  # the second finds it finished
        found = json.loads(program(*arguments, "--json"))
        assert (found["epochs"], found["history"]) == (0, [])
        assert found["no_epochs"].startswith("20 videos, too few (needed: 32 or more)")
        assert "no epochs were trained" in program.said[-2]
        assert found["no_epochs"] in program.said[-2]
        assert "`--epochs N`" in program.said[-1]
    words = "--bits", "8", "--epochs", "0", "--out", str(tmp_path / "n"), "--json"
    asked = json.loads(program(arguments[0], *words, *SMALL))
    assert (asked["epochs"], asked["no_epochs"]) == (0, None)
    assert "as asked for" in program.said[-1]


def test_a_second_run_says_that_there_is_nothing_to_do(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    program = Program()
    arguments = (str(make_store(planted)), "--method", "lsh", "--out", str(tmp_path / "m"))
    program(*arguments)
    program(*arguments)
    assert "nothing to do" in program.said[-1]


def test_show_config_prints_what_would_run_and_does_nothing(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = Program()(str(make_store(planted)), "--show-config", "--set", "order.weight=0.25")
    (tmp_path / "run.toml").write_text(shown)
    config = chosen_config(
        paper=False, config_file=tmp_path / "run.toml", assignments=[], epochs=None
    )
    assert config.order.weight == 0.25
    assert isinstance(config.optim.epochs, int)
    assert not (tmp_path / "models").exists()


def test_later_settings_win_over_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(
        "[order]\nweight = 0.7\n[optim]\nepochs = 9\nbatch_size = 32\n"
    )
    config = chosen_config(
        paper=True,
        config_file=tmp_path / "c.toml",
        assignments=["optim.batch_size=64"],
        epochs=2,
    )
    assert (config.views.mode, config.order.weight) == ("segment", 0.7)
    assert (config.optim.batch_size, config.optim.epochs) == (64, 2)


def test_logs_grow_into_the_models_history(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    out, logs = tmp_path / "m", tmp_path / "logs"
    where = ["--out", str(out), "--logs", str(logs)]
    Program()(str(make_store(planted)), "--bits", "8", "--epochs", "3", *where, *SMALL)
    assert (logs / "history.csv").read_bytes() == (out / "history.csv").read_bytes()
    assert len(list(logs.glob("events.out.tfevents.*"))) == 1


def test_logs_of_a_run_without_epochs_hold_its_steps(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    words = ["--bits", "8", "--epochs", "0", "--out", str(tmp_path / "m"), *SMALL]
    distilled = ["--set", "hash.distill_steps=5", "--logs", str(tmp_path / "logs")]
    Program()(str(make_store(planted)), *words, *distilled)
    logged = (tmp_path / "logs" / "history.csv").read_bytes()
    assert logged == (tmp_path / "m" / "history.csv").read_bytes()
    assert logged.startswith(b"step,distil\n1,")


@pytest.mark.parametrize("option", [["--compile"], ["--logs", "logs"]])
def test_a_baseline_has_nothing_to_log_or_compile(
    make_store: MakeStore, planted: np.ndarray, option: list[str]
) -> None:
    with pytest.raises(UsageError, match="fitted at once"):
        Program()(str(make_store(planted)), "--method", "lsh", *option)


def test_negative_epochs_are_refused() -> None:
    with pytest.raises(UsageError, match=r"`optim\.epochs` is `-1`"):
        chosen_config(paper=False, config_file=None, assignments=[], epochs=-1)
