"""Reflection: the factors, the loss written as loops, and what it is for."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chainpipe.hashing.config import Config
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.losses.base import Step
from chainpipe.hashing.losses.reflection import ReflectionLoss, random_reflection
from chainpipe.hashing.losses.similarity_preserving import squared_loss
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.build_trainer import build_trainer, make_clips
from chainpipe.hashing.methods.chain.init_hash_layer import init_hash_layer
from chainpipe.hashing.models.hash_model import HashModel, HashOutput
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.trainer import Trainer
from chainpipe.hashing.views.view_maker import Views
from tests.hashing.small import SIZES, small

BATCH, FRAMES, DIM, BITS = 6, 5, 4, 8


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None)
@given(st.integers(0, 500), st.floats(0, 0.5))
def test_the_total_variance_is_kept(seed: int, flatten: float) -> None:
    std = torch.rand(40, generator=generator(seed)) + 0.01
    factors = random_reflection(std, flatten=flatten, generator=generator(seed))
    torch.testing.assert_close((std * factors).norm(), std.norm(), rtol=1e-4, atol=0)


def test_without_flattening_it_is_a_pure_reflection_with_even_signs() -> None:
    std = torch.logspace(0, -3, 2000)
    factors = random_reflection(std, flatten=0.0, generator=generator())
    assert set(factors.tolist()) == {-1.0, 1.0}
    assert abs(factors.mean()) < 4 / math.sqrt(2000)
    assert not torch.equal(factors, random_reflection(std, flatten=0.0, generator=generator(1)))


def test_the_spectrum_is_flattened_by_a_power_of_the_variance_between_none_and_all() -> None:
    std = torch.tensor([4.0, 2.0, 1.0, 0.5])
    powers = []
    for seed in range(200):
        factors = random_reflection(std, flatten=0.5, generator=generator(seed)).abs()
        slopes = (factors[1:] / factors[:-1]).log() / (std[1:] / std[:-1]).log() / -2
        torch.testing.assert_close(slopes, slopes[:1].expand(3), rtol=1e-3, atol=1e-4)
        powers.append(float(slopes[0]))
    assert 0 <= min(powers) + 1e-4 < 0.05
    assert 0.45 < max(powers) <= 0.5 + 1e-4


@pytest.mark.parametrize("zeros", [1, 3, 4])
def test_components_without_variance_stay_finite(zeros: int) -> None:
    std = torch.tensor([4.0, 2.0, 1.0, 0.5])
    std[4 - zeros :] = 0
    for seed in range(20):
        factors = random_reflection(std, flatten=0.5, generator=generator(seed))
        assert factors.isfinite().all()
        torch.testing.assert_close((std * factors).norm(), std.norm())


def step_of(weights: Tensor, *, batch: int = BATCH, seed: int = 0) -> Step:
    """Return a step whose network is the mean frame times a matrix, through tanh."""
    frames = torch.randn(9, FRAMES, DIM, generator=generator(1))
    indices = torch.stack([torch.randperm(FRAMES, generator=generator(2))[:3]] * 2 * batch)

    def network(clips: Tensor, frame_mask: Tensor | None = None) -> HashOutput:
        values = clips.mean(dim=1) @ weights
        return HashOutput(clips, values, torch.tanh(values))

    std = frames.flatten(0, 1).std(dim=0)
    rows = torch.tensor([8, 3, 5, 0, 1, 2])[:batch]
    views = Views(frames[:batch], None, torch.cat([rows, rows]), indices)
    return Step(
        network,  # type: ignore[arg-type]
        Clips(frames, frames.mean(dim=1), std),
        views,
        SimpleNamespace(codes=None),  # type: ignore[arg-type]
        rows,
        None,
        generator(seed),
    )


def by_hand(step: Step, weights: Tensor, videos: int, *, flatten: float, seed: int) -> float:
    """Return the loss by loops over videos."""
    factors = random_reflection(step.clips.std, flatten=flatten, generator=generator(seed)).numpy()
    codes, features = [], []
    for place, row in enumerate(step.rows.tolist()[:videos]):
        shown = step.clips.frames[row].numpy()[step.views.frame_indices[place].numpy()]
        codes.append(np.tanh((shown * factors).mean(axis=0) @ weights.numpy()))
        features.append(step.clips.frames[row].numpy().mean(axis=0) * factors)

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    total = 0.0
    for i in range(len(codes)):
        others = [j for j in range(len(codes)) if j != i]
        wanted = np.array([math.exp(cosine(features[i], features[j]) / 0.15) for j in others])
        given = np.array([cosine(codes[i], codes[j]) / 0.3 for j in others])
        chances = given - math.log(sum(math.exp(value) for value in given))
        total -= float((wanted / wanted.sum() * chances).sum())
    return total / len(codes)


@pytest.mark.parametrize("videos", [2, 4, 100])
@pytest.mark.parametrize("flatten", [0.0, 0.5])
def test_agrees_with_the_loss_written_as_loops(videos: int, flatten: float) -> None:
    weights = torch.randn(DIM, BITS, generator=generator(3))
    loss = ReflectionLoss(
        num_videos=videos, flatten=flatten, target_temperature=0.15, temperature=0.3
    )
    step = step_of(weights, seed=7)
    found, measures = loss(step)
    assert measures == {}
    expected = by_hand(step, weights, videos, flatten=flatten, seed=7)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_a_batch_of_one_video_has_a_loss() -> None:
    loss = ReflectionLoss(num_videos=8, flatten=0.5, target_temperature=0.15, temperature=0.3)
    found, _ = loss(step_of(torch.randn(DIM, BITS, generator=generator(3)), batch=1))
    assert found.item() == pytest.approx(squared_loss(torch.ones(1, 2), torch.ones(1, 2)).item())


def planted_subspace(videos: int, *, first: int, seed: int) -> np.ndarray:
    """Draw videos that differ in half of 20 directions, far more than in the others."""
    rng = np.random.default_rng(seed)
    scale = np.full(20, 0.3)
    scale[first : first + 10] = 2.0
    own = rng.normal(size=(videos, 1, 20)) * scale
    return (own + 0.2 * rng.normal(size=(videos, 9, 20))).astype(np.float32)


def test_other_content_keeps_its_neighbours_better_with_it_than_without() -> None:
    trained, other = (planted_subspace(120, first=first, seed=first) for first in (0, 10))
    distinct = {}
    for weight in (0.0, 1.0):
        config = small(
            {**SIZES, "contrastive.weight": 1.0, "neighbours.k": 0, "hash.general": 0.0},
            **{f"{name}__weight": 0 for name in ("order", "scene", "similarity")},
            reflection__weight=weight,
            input__dims=20,
            optim__epochs=30,
            optim__lr=3e-3,
        )
        with deterministic_torch(1):
            model, trainer = started(trained, config)
            trainer.run()
            with torch.no_grad():
                codes = model(model.project(torch.from_numpy(other))).values >= 0
        distinct[weight] = len(codes.unique(dim=0)) / len(codes)
    assert distinct[1.0] > distinct[0.0]


def started(features: np.ndarray, config: Config) -> tuple[HashModel, Trainer]:
    """Return a network of 16 bits, initialized by PCA-ITQ, and its trainer."""
    pca = fit_pca_whitening([features.reshape(-1, 20)], dims=20, whitening=0.0)
    model = build_model(config, pca, bits=16, seed=0)
    init_hash_layer(config, model, pca(features), seed=0)
    clips = make_clips(config, pca, pca(features), seed=0)
    return model, build_trainer(config, model, clips, seed=0)
