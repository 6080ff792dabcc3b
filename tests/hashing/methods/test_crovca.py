"""CroVCA-like: its loss beside a plain version, what it learns, the command line."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data.training_set import TrainingFrames, training_rows
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.crovca import CROVCA
from chainpipe.hashing.methods.crovca.network import CrovcaModel
from chainpipe.hashing.methods.crovca.objective import alignment_loss, coding_rate
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.methods.registry import load_hasher
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.pipeline.store import open_store

MakeStore = Callable[..., Path]
SMALL: dict[str, object] = {"input.dims": 8, "optim.epochs": 20, "optim.lr": 0.01}
MADE = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 12, 5)))


def test_the_alignment_is_the_cross_entropy_with_the_other_views_bits() -> None:
    first, second = MADE
    expected = []
    for values, other in ((first, second), (second, first)):
        for a, b in zip(values.ravel().tolist(), other.ravel().tolist(), strict=True):
            chance = 1 / (1 + math.exp(-a / 0.5))
            expected.append(-math.log(chance if b >= 0 else 1 - chance))
    found = alignment_loss(first, second, temperature=0.5)
    assert float(found) == pytest.approx(np.mean(expected))


def test_bits_are_targets_without_a_gradient() -> None:
    first = MADE[0].clone().requires_grad_()
    second = MADE[1].clone().requires_grad_()
    found = alignment_loss(first, second, temperature=1.0)
    (gradient,) = torch.autograd.grad(found, second)
    chance = torch.sigmoid(MADE[1])
    bits = (MADE[0] >= 0).to(chance)
    assert gradient == pytest.approx(((chance - bits) / MADE[1].numel() / 2).numpy())


def test_the_coding_rate_is_the_log_determinant_and_larger_for_spread_codes() -> None:
    values = MADE[0]
    units = values / values.norm(dim=1, keepdim=True)
    gram = np.eye(5) + units.numpy().T @ units.numpy() * 5 / (12 * 0.25)
    expected = np.linalg.slogdet(gram)[1] / 2 / 5
    assert float(coding_rate(values, epsilon=0.5)) == pytest.approx(expected)
    collapsed = values[:1].expand(12, 5)
    assert coding_rate(collapsed, epsilon=0.5) < coding_rate(values, epsilon=0.5)


@pytest.mark.parametrize("hidden", [0, 16])
def test_it_learns_bits_that_views_share_and_loads_the_same_codes(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, hidden: int
) -> None:
    config = apply(CROVCA.config, {**SMALL, "head.hidden_dim": hidden})
    with open_store(make_store(planted)) as store:
        options = TrainOptions(
            method="crovca-like", bits=8, config=config, out=tmp_path / "model", device="cpu"
        )
        report = train(store, options)
        frames = TrainingFrames(store, training_rows(store).rows)
        fitted = CROVCA.fit(config, frames, FitRequest(bits=8, seed=0, device="cpu"))
    assert report.history[-1]["loss"] < report.history[0]["loss"]
    _, hasher = load_hasher(tmp_path / "model")
    codes = hasher.encode(planted)
    assert codes.shape == (40, 8)
    assert np.array_equal(codes, CROVCA.load(config, fitted.tensors).encode(planted))
    assert np.abs(codes.mean(axis=0) - 0.5).max() < 0.45  # no bit is constant
    distance = (codes[:, None] != codes[None]).mean(axis=2)
    same = np.arange(40)[:, None] % 4 == np.arange(40) % 4
    assert distance[same].mean() < 0.6 * distance[~same].mean()


@pytest.mark.parametrize("hidden", [0, 16])
def test_numpy_gives_the_networks_own_bits(planted: np.ndarray, hidden: int) -> None:
    rng = np.random.default_rng(0)
    mean, matrix = (
        torch.from_numpy(rng.normal(size=size).astype(np.float32)) for size in (12, (12, 8))
    )
    model = CrovcaModel(mean=mean, matrix=matrix, hidden_dim=hidden, bits=16)
    clips = (torch.from_numpy(planted) - mean) @ matrix
    with torch.no_grad():
        model(clips)  # measures the running mean and variance
        expected = model.eval()(clips).values.numpy()
    config, tensors = apply(CROVCA.config, {"head.hidden_dim": hidden}), tensors_of(model)
    hasher = CROVCA.load(config, tensors)
    np.testing.assert_allclose(hasher.values(planted), expected, atol=1e-5)
    assert np.array_equal(hasher.encode(planted), expected >= 0)
    with pytest.raises(KeyError, match="pca_mean"):
        CROVCA.load(config, {name: one for name, one in tensors.items() if name != "pca_mean"})
    with pytest.raises(ValueError, match="no tensors"):
        CROVCA.load(config, {**tensors, "more": tensors["pca_mean"]})


def test_few_videos_in_memory_or_in_a_file_give_the_same_weights(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path
) -> None:
    config = apply(CROVCA.config, {**SMALL, "optim.epochs": 2})
    request = FitRequest(bits=4, seed=1, device="cpu")
    with open_store(make_store(planted)) as store:
        rows = training_rows(store).rows
        found = [
            CROVCA.fit(config, TrainingFrames(store, rows, memory=m, scratch=tmp_path), request)
            for m in (10**9, 1)
        ]
    for name, tensor in found[0].tensors.items():
        assert np.array_equal(tensor, found[1].tensors[name])
