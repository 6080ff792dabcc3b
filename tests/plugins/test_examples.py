"""The worked examples of plug-ins, used as a user uses them: by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainpipe.command import run
from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.model_folder.folder import read_facts
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import load_plugins
from chainpipe.pipeline.store import open_store
from tests.plugins.conftest import forget

MakeStore = Callable[..., Path]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "plugins"
LOSS, ENCODER, METHOD = (str(EXAMPLES / f"my_{n}.py") for n in ("loss", "encoder", "method"))
SMALL: dict[str, object] = {
    "input.dims": 8,
    "encoder.hidden_dim": 16,
    "encoder.num_heads": 2,
    "encoder.feed_forward_dim": 16,
    "hash.distill_steps": 0,
    "optim.epochs": 3,
    "optim.batch_size": 16,
    "contrastive.weight": 1.0,
    "neighbours.k": 0,
}
SETS = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


@pytest.fixture
def store(make_store: MakeStore) -> Path:
    """40 videos of 6 frames and 12 numbers."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 1, 1, 12)) * 3
    features = (centres + rng.normal(size=(4, 10, 6, 12))).reshape(40, 6, 12)
    return make_store(features.astype(np.float32), labels=[f"c{i // 10}" for i in range(40)])


def test_the_config_shows_the_section_of_a_loss(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--set", "bit_balance.weight=0.2", "--show-config")
    assert run(["train", str(store), "--plugin", LOSS, *words]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert shown["bit_balance"] == {"weight": 0.2, "warmup": 0.0, "power": 2.0}
    assert run(["train", str(store), "--plugin", LOSS, "--set", "bit_balance.power=9"]) == 2
    assert "it takes a number from 1 to 4" in capsys.readouterr().err


def test_a_loss_resumes_bit_exact_and_the_model_names_it(store: Path) -> None:
    load_plugins([LOSS])
    config = apply(Config(), {**SMALL, "bit_balance.weight": 0.5})

    def trained(out: str, stop_at: int | None = None) -> str:
        def stop(done: int, total: int) -> None:
            if done == stop_at:
                raise KeyboardInterrupt

        options = TrainOptions(
            bits=8, config=config, out=Path(out), device="cpu", checkpoint_seconds=0
        )
        with open_store(store) as opened:
            report = train(opened, options, Callbacks(step=stop))
        names = set(report.history[-1])
        assert {"bit_balance", "largest_bit_mean"} <= names
        return report.facts.weights_sha256

    whole = trained("whole")
    with pytest.raises(KeyboardInterrupt):
        trained("halves", stop_at=5)
    assert Path("halves.training/state.pt").exists()
    assert trained("halves") == whole
    (used,) = read_facts(Path("whole")).data["plugins"]
    assert (used["kind"], used["name"], used["file"]) == ("loss", "bit_balance", "my_loss.py")
    assert len(used["sha256"]) == 64
    assert "loss `bit_balance` of `my_loss.py`" in Path("whole/README.md").read_text()
    load_hasher(Path("whole"))
    forget()
    with pytest.raises(UsageError, match=r"`bit_balance` of the plug-in `my_loss.py`") as caught:
        load_hasher(Path("whole"))
    assert caught.value.hint == "load it by `--plugin my_loss.py`"


def test_a_loss_that_is_off_leaves_no_trace(store: Path) -> None:
    words = ["train", str(store), "--bits", "8", "--device", "cpu", *SETS, "--out", "model"]
    assert run([*words, "--plugin", LOSS]) == 0
    facts = read_facts(Path("model"))
    assert "plugins" not in facts.data
    assert "bit_balance" not in facts.config
    forget()
    load_hasher(Path("model"))
    assert run(words) == 0  # the same run: nothing to do


def test_two_processes_train_with_a_loss(store: Path, tmp_path: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = ["-m", "chainpipe", "train", str(store), "--bits", "8", "--device", "cpu"]
    chosen = [*SETS, "--plugin", LOSS, "--set", "bit_balance.weight=0.5", "--out", "both"]
    done = subprocess.run(
        [sys.executable, *launch, *words, *chosen],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert read_facts(tmp_path / "both").data["plugins"][0]["name"] == "bit_balance"


def test_an_experiment_in_processes_has_a_row_for_a_loss(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["--rows", "default", "--rows", "bit_balance on"]
    asked = ["experiment", "ablation", str(store), "--seeds", "1", "--bits", "8", *rows]
    assert run([*asked, "--plugin", LOSS, *SETS, "--workers", "2", "--device", "cpu"]) == 0
    assert "bit_balance on" in capsys.readouterr().out
    made = json.loads(next(Path("experiments").rglob("bit-balance-on-8-0.json")).read_text())
    assert made["made"]["config"]["bit_balance"]["weight"] == 0.1


def test_an_encoder_trains_and_encodes(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--set", "encoder.kind=gru", "--out", "model", "--bits", "8", "--device", "cpu"]
    words = ["train", str(store), *SETS, *chosen]
    assert run(words) == 2
    assert "it takes `transformer` or `lstm` or `mlp-mixer`" in capsys.readouterr().err
    assert run([*words, "--plugin", ENCODER]) == 0
    assert run(["encode", "--plugin", ENCODER, "--model", "model"]) == 0
    assert "encoder `gru` of `my_encoder.py`" in Path("model/README.md").read_text()
    forget()
    capsys.readouterr()
    assert run(["encode", "--model", "model"]) == 2
    said = capsys.readouterr().err
    assert "the encoder `gru` of the plug-in `my_encoder.py`" in said
    assert "hint: load it by `--plugin my_encoder.py`" in said


def test_a_method_trains_and_is_evaluated(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", str(store), "--method", "top-variance", "--bits", "8", "--out", "model"]
    assert run(words) == 2
    assert "no method `top-variance`" in capsys.readouterr().err
    assert run([*words, "--plugin", METHOD]) == 0
    capsys.readouterr()
    assert run(["eval", "--model", "model", "--plugin", METHOD, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"]["5"] > 0.5
    means = None
    with open_store(store) as opened:
        means = opened.features(slice(None)).mean(axis=1, dtype=np.float32)
    best = np.argsort(-means.var(axis=0), kind="stable")[:8]
    expected = means[:, best] >= np.median(means, axis=0)[best]
    with open_store(store) as opened:
        codes = load_hasher(Path("model"))[1].encode(opened.features(slice(None)))
    assert (codes == expected).mean() > 0.98
