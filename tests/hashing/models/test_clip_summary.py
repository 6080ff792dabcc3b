"""The trend of a clip: order and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.chain.build_model import build_model, load_model
from chainpipe.hashing.methods.chain.init_hash_layer import fit_initial_hash, init_hash_layer
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.models.clip_summary import SUMMARIES, masked_changes, masked_trend
from chainpipe.hashing.models.pca_whitening import fit_pca_whitening
from chainpipe.pipeline.errors import UsageError

SMALL: dict[str, object] = {"encoder.hidden_dim": 16, "encoder.feed_forward_dim": 16}


@pytest.mark.parametrize("frames", [1, 2, 7, 25])
def test_the_trend_is_the_first_cosine_moment(frames: int) -> None:
    clips = np.random.default_rng(0).normal(size=(3, frames, 4))
    moments = np.cos(np.pi * (np.arange(frames) + 0.5) / frames) @ clips
    found = masked_trend(torch.from_numpy(clips), None).numpy()
    np.testing.assert_allclose(found, -np.sqrt(2) * moments / frames, atol=1e-6)


def test_what_all_frames_share_has_no_part_in_it() -> None:
    clips = torch.randn(4, 9, 5, dtype=torch.float64)
    shifted = clips + 100 * torch.randn(4, 1, 5, dtype=torch.float64)
    torch.testing.assert_close(
        masked_trend(clips, None), masked_trend(shifted, None), atol=1e-4, rtol=0
    )


def test_backwards_is_the_opposite() -> None:
    clips = torch.randn(4, 9, 5)
    torch.testing.assert_close(masked_trend(clips.flip(1), None), -masked_trend(clips, None))


@pytest.mark.parametrize("name", SUMMARIES)
def test_masked_frames_count_for_nothing(name: str) -> None:
    clips = torch.randn(2, 8, 3)
    mask = torch.tensor([[True, False, True, True, False, True, True, False]]).expand(2, 8)
    torch.testing.assert_close(
        SUMMARIES[name](clips, mask), SUMMARIES[name](clips[:, mask[0]], None), atol=1e-6, rtol=1e-5
    )


def test_changes_are_steps_in_standard_deviations_of_the_clip() -> None:
    clips = np.random.default_rng(0).normal(size=(3, 7, 4))
    steps = np.abs(clips[:, 1:] - clips[:, :-1]).mean(axis=1)
    found = masked_changes(torch.from_numpy(clips), None).numpy()
    np.testing.assert_allclose(found, steps / (clips.std(axis=1) + 0.01), rtol=1e-6)


def test_a_single_frame_has_no_changes() -> None:
    assert (masked_changes(torch.ones(2, 1, 3), None) == 0).all()


def moving(count: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Clips (N, 12, 20) of strong appearance that drift one way or the other along one axis."""
    rng = np.random.default_rng(0)
    ways = np.arange(count) % 2
    clips = np.repeat(rng.normal(0, 10, (count, 1, 20)), 12, axis=1)
    clips[:, :, 0] += np.where(ways, 1, -1)[:, None] * np.linspace(-5, 5, 12)
    return (clips + rng.normal(0, 0.1, clips.shape)).astype(np.float32), ways


@pytest.mark.parametrize("steps", [0, 20])
def test_codes_of_the_trend_tell_order_where_those_of_the_mean_do_not(steps: int) -> None:
    clips, ways = moving()
    firsts = {}
    for summary in ("mean", "trend"):
        config = apply(Config(), {**SMALL, "hash.summary": summary, "hash.distill_steps": steps})
        pca = fit_pca_whitening([clips.reshape(-1, 20)], dims=20, whitening=0.0)
        model = build_model(config, pca, bits=16, seed=0)
        init_hash_layer(config, model, pca(clips), seed=0)
        codes = np.where(model.encode(clips), 1, -1)
        near = codes @ codes.T - 99 * np.eye(len(codes), dtype=int)
        firsts[summary] = (ways[near.argmax(axis=1)] == ways).mean()
        again = load_model(config, tensors_of(model))
        assert (again.encode(clips) == model.encode(clips)).all()
    assert firsts["trend"] > 0.95
    assert firsts["mean"] < 0.75


def test_codes_of_the_changes_tell_tempo_where_those_of_the_mean_do_not() -> None:
    rng = np.random.default_rng(0)
    fast = np.arange(120) % 2
    times = np.arange(24) * np.where(fast, 1.2, 0.3)[:, None] + rng.uniform(0, 6, (120, 1))
    clips = np.repeat(rng.normal(0, 5, (120, 1, 10)), 24, axis=1)
    clips += np.sin(times)[:, :, None] * rng.normal(0, 1, (1, 1, 10))
    clips = clips.astype(np.float32)
    firsts = {}
    for summary in ("mean", "changes"):
        config = apply(Config(), {**SMALL, "hash.summary": summary, "hash.distill_steps": 5})
        pca = fit_pca_whitening([clips.reshape(-1, 10)], dims=10, whitening=0.0)
        model = build_model(config, pca, bits=16, seed=0)
        init_hash_layer(config, model, pca(clips), seed=0)
        codes = np.where(model.encode(clips), 1, -1)
        near = codes @ codes.T - 99 * np.eye(len(codes), dtype=int)
        firsts[summary] = (fast[near.argmax(axis=1)] == fast).mean()
    assert firsts["changes"] > 0.95
    assert firsts["mean"] < 0.75


@pytest.mark.parametrize("summary", ["trend", "changes"])
def test_the_first_codes_are_the_linear_hash_of_the_summary(summary: str) -> None:
    clips, _ = moving(40)
    config = apply(Config(), {**SMALL, "hash.summary": summary})
    pca = fit_pca_whitening([clips.reshape(-1, 20)], dims=20, whitening=0.0)
    model = build_model(config, pca, bits=8, seed=0)
    initial = fit_initial_hash(pca(clips), bits=8, seed=0, l2_normalize=False, summary=summary)
    model.hash_layer.init_shortcut(initial)
    inputs = SUMMARIES[summary](torch.from_numpy(pca(clips)), None).numpy()
    np.testing.assert_allclose(model.fused().values(clips), initial.project(inputs), atol=1e-2)
    by_layers = model(torch.from_numpy(pca(clips))).values.detach().numpy()
    np.testing.assert_allclose(model.fused().values(clips), by_layers, atol=1e-2)


@pytest.mark.parametrize("change", [{"hash.init": "random"}, {"hash.binarize": "frame"}])
def test_a_trend_needs_the_shortcut_over_whole_videos(change: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="linear shortcut"):
        apply(Config(), {"hash.summary": "trend", **change}).check()
