"""How a step runs the network: less precisely, or compiled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from chainpipe.hashing.training.forward import ForwardRunner
from tests.hashing.small import CONMH as SMALL_CONMH
from tests.hashing.small import SIZES, TASKS

MakeStore = Callable[..., Path]
ROOT = Path(__file__).parents[3]
SMALL = {
    "chain": {**SIZES, **TASKS, "encoder.dropout": 0},
    "conmh": SMALL_CONMH,
}


class Two(NamedTuple):
    first: Tensor
    second: Tensor


def train(
    store: Path, method: str, out: Path, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Train a small model in a process of its own."""
    keys = [w for n, v in SMALL[method].items() for w in ("--set", f"{n}={v}")]
    program = [sys.executable, "-m", "chainpipe", "train", str(store), "--method", method]
    options = ["--bits", "8", "--epochs", "4", "--device", "cpu", "--json", "--out", str(out)]
    return subprocess.run(
        [*program, *options, *keys, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def losses(done: subprocess.CompletedProcess[str]) -> list[float]:
    assert done.returncode == 0, done.stderr
    return [row["loss"] for row in json.loads(done.stdout)["history"] if "loss" in row]


def test_lower_precision_is_near_and_comes_back_as_float32() -> None:
    torch.manual_seed(0)
    part, rows = nn.Linear(64, 32), torch.randn(10, 64)
    plain, low = ForwardRunner()(part, rows), ForwardRunner(precision="bfloat16")(part, rows)
    assert low.dtype == torch.float32
    assert not torch.equal(plain, low)
    torch.testing.assert_close(plain, low, rtol=0.05, atol=0.05)
    low.sum().backward()
    assert part.weight.grad is not None
    assert part.weight.grad.dtype == torch.float32


def test_named_outputs_keep_their_names() -> None:
    def part(rows: Tensor, more: Tensor | None) -> Two:
        assert more is None
        return Two(rows @ rows.T, rows.sum(dim=1))

    rows = torch.ones(3, 2)
    found = ForwardRunner(precision="bfloat16")(part, rows, None)
    assert isinstance(found, Two)
    assert found.first.dtype == torch.float32
    assert torch.equal(found.second, torch.full((3,), 2.0))


@pytest.mark.parametrize("method", ["chain", pytest.param("conmh", marks=pytest.mark.soak)])
def test_training_in_bfloat16_is_near_and_another_run(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, method: str
) -> None:
    store, out = make_store(planted), tmp_path / "low"
    plain = losses(train(store, method, tmp_path / "plain"))
    low = train(store, method, out, "--precision", "bfloat16")
    assert losses(low) == pytest.approx(plain, rel=0.1)
    assert losses(low) != plain
    other = train(store, method, out)
    assert other.returncode == 2
    assert "optim.precision: bfloat16 / float32" in other.stderr
    assert train(store, method, out, "--precision", "float8").returncode == 2


@pytest.mark.soak  # the C++ compiler takes minutes on a busy machine
@pytest.mark.timeout(1200)
def test_compiled_training_is_the_same_training(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    store = make_store(planted)
    plain = losses(train(store, "chain", tmp_path / "plain"))
    compiled = losses(train(store, "chain", tmp_path / "compiled", "--compile"))
    assert compiled == pytest.approx(plain, rel=1e-3)


def test_a_machine_without_a_compiler_says_so(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    done = train(
        make_store(planted),
        "chain",
        tmp_path / "m",
        "--compile",
        CXX="/nothing",
        TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "cache"),
    )
    assert done.returncode == 2
    assert "error: cannot compile: InvalidCxxCompiler" in done.stderr
    assert "leave out `--compile`" in done.stderr
    assert not list(tmp_path.glob("**/model.safetensors"))
