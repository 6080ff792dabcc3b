"""The better linear start: it ranks more like the features than PCA-ITQ does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.data.streamed_clips import InMemoryArray
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.distill import distill
from chainpipe.hashing.methods.chain.init_hash_layer import init_hash_layer
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.hashing.views.view_maker import ViewMaker
from chainpipe.pipeline.store import open_store

MakeStore = Callable[..., Path]


def started(features: np.ndarray, steps: int) -> tuple[HashModel, list[dict[str, float]]]:
    config = apply(Config(), {"input.whitening": 0, "hash.distill_steps": steps})
    pca = fit_pca_whitening([features.reshape(-1, features.shape[2])], dims=12, whitening=0.0)
    model = build_model(config, pca, bits=16, seed=0)
    return model, init_hash_layer(config, model, pca(features), seed=0)


def ranking_cost(model: HashModel, features: np.ndarray) -> float:
    """Cross-entropy of the codes' ranking with the features', from the codes themselves."""
    codes = 2.0 * model.encode(features) - 1
    means = features.mean(axis=1) - features.mean(axis=(0, 1))
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    total = 0.0
    for i in range(len(codes)):
        others = np.arange(len(codes)) != i
        wanted = np.exp(unit[others] @ unit[i] / 0.15)
        found = np.exp(codes[others] @ codes[i] / 16 / 0.3)
        total -= float(wanted / wanted.sum() @ np.log(found / found.sum()))
    return total / len(codes)


def test_distilling_brings_the_codes_ranking_closer_to_the_features(planted: np.ndarray) -> None:
    plain, nothing = started(planted, 0)
    better, losses = started(planted, 200)
    assert nothing == []
    assert len(losses) == 200
    assert losses[0]["distil"] == pytest.approx(ranking_cost(plain, planted), rel=0.05)
    assert ranking_cost(better, planted) < ranking_cost(plain, planted) - 0.05


def test_the_loss_of_all_frames_is_the_cost_of_the_ranking(planted: np.ndarray) -> None:
    model, _ = started(planted, 0)
    pca = fit_pca_whitening([planted.reshape(-1, planted.shape[2])], dims=12, whitening=0.0)
    frames = pca(planted)
    means = frames.mean(axis=1)
    skip = model.hash_layer.shortcut
    assert skip is not None
    losses = distill(
        skip,
        InMemoryArray(torch.from_numpy(frames)),
        centre=torch.from_numpy(means.mean(axis=0)),
        num_frames=frames.shape[1],
        l2_normalize=model.hash_layer.l2_normalize,
        steps=1,
        lr=0.0,
        target_temperature=0.15,
        temperature=0.3,
        generator=torch.Generator().manual_seed(0),
    )
    assert losses == pytest.approx([ranking_cost(model, planted)], rel=1e-3)


def test_only_the_linear_start_moves(planted: np.ndarray) -> None:
    plain, better = started(planted, 0)[0].state_dict(), started(planted, 20)[0].state_dict()
    changed = {name for name in plain if not torch.equal(plain[name], better[name])}
    assert changed == {"hash_layer.shortcut.weight", "hash_layer.shortcut.bias"}


@pytest.mark.parametrize(("moving", "expected"), [(0.0, 1.0), (1.0, -1.0)])
def test_the_halves_of_still_videos_agree_and_of_opposite_ones_do_not(
    make_store: MakeStore, moving: float, expected: float
) -> None:
    own = np.random.default_rng(0).normal(size=(20, 1, 6))
    direction = np.where(np.arange(8) < 4, 1.0, -1.0)[None, :, None]
    features = own * (direction if moving else 1.0)
    with open_store(make_store(features.repeat(1 if moving else 8, axis=1))) as store:
        assert TrainingFrames(store, np.arange(20)).halves_cosine() == pytest.approx(
            expected, abs=0.01
        )


def test_views_of_a_window_are_drawn_from_anywhere_in_it() -> None:
    frames = torch.arange(24.0)[None, :, None].expand(500, 24, 1)
    clips = Clips(frames, frames.mean(dim=1), torch.ones(1))
    maker = ViewMaker(
        mode="halves", length=2, window=6, noise=0, feature_dropout_p=0, frame_dropout_p=0
    )
    rows = torch.arange(500)
    views = maker(clips, rows, rows, torch.Generator().manual_seed(0))
    spans = views.frame_indices[:, 1] - views.frame_indices[:, 0]
    assert set(spans.tolist()) == {1, 2, 3, 4, 5}
    assert torch.equal(views.clips[:, :, 0], views.frame_indices.float())
