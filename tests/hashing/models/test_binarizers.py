"""Signs and their stand-ins: zero, gradients, steepness, and codes of any length."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.methods.chain.build_trainer import build_trainer, make_clips
from chainpipe.hashing.methods.chain.init_hash_layer import init_hash_layer
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.models.binarizers import Continuation, StraightThrough, beta_at, sign
from chainpipe.hashing.models.hash_layer import HashLayer
from chainpipe.hashing.models.hash_model import HashModel
from chainpipe.hashing.models.pca_whitening import PcaWhitening, fit_pca_whitening
from chainpipe.hashing.runtime.determinism import deterministic_torch
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.training.checkpoint import Checkpoint
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store import open_store
from tests.hashing.small import NEIGHBOURS, SIZES
from tests.hashing.small import small as small_config

MakeStore = Callable[..., Path]

SMALL = {
    **SIZES,
    **NEIGHBOURS,
    "contrastive.weight": 1.0,
    "hash.distill_steps": 5,
    "hash.binarizer": "tanh",
}


small = partial(small_config, SMALL)


def network(config: Config, features: np.ndarray, bits: int = 8) -> tuple[HashModel, PcaWhitening]:
    pca = fit_pca_whitening([features.reshape(-1, features.shape[2])], dims=10, whitening=0.25)
    return build_model(config, pca, bits=bits, seed=0), pca


def test_zero_is_plus_one_and_the_gradient_stops_outside_one() -> None:
    values = torch.tensor([-1.5, -1.0, -0.2, -0.0, 0.7, 3.0], requires_grad=True)
    signs = sign(values)
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1]
    signs.backward(torch.arange(1.0, 7.0))
    assert values.grad is not None
    assert values.grad.tolist() == [0, 0, 3, 4, 5, 0]


@settings(max_examples=30, deadline=None)
@given(
    start=st.floats(0.01, 10),
    growth=st.floats(1, 100),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_steepness_never_falls_and_keeps_its_ends(
    start: float, growth: float, shares: tuple[float, float]
) -> None:
    end = start * growth
    low, high = (beta_at(done, start=start, end=end) for done in sorted(shares))
    assert start * 0.999 <= low <= high * 1.000001 <= end * 1.001
    assert beta_at(0.0, start=start, end=end) == start


def test_tanh_comes_near_the_sign_and_always_has_a_gradient() -> None:
    stand_in = Continuation(start=1.0, end=100.0)
    values = torch.tensor([-0.5, -0.1, 0.1, 2.0], requires_grad=True)
    torch.testing.assert_close(stand_in(values), torch.tanh(values))
    stand_in(values).sum().backward()
    assert values.grad is not None
    assert (values.grad > 0).all()
    stand_in.set_progress(1.0)
    torch.testing.assert_close(stand_in(values), sign(values), atol=1e-6, rtol=0)
    assert not stand_in.state_dict()


@pytest.mark.parametrize("binarize", ["video", "frame"])
def test_test_codes_are_signs_whatever_the_losses_see(binarize: str) -> None:
    torch.manual_seed(0)
    layers = [
        HashLayer(
            dims=5,
            hidden_dim=6,
            bits=4,
            binarize=binarize,
            shortcut=False,
            l2_normalize=False,
            binarizer=one,  # type: ignore[arg-type]
        )
        for one in (StraightThrough(), Continuation(start=0.1, end=1.0))
    ]
    layers[1].load_state_dict(layers[0].state_dict())
    encoded, inputs = torch.randn(3, 7, 6), torch.randn(3, 7, 5)
    (hard, seen_hard), (soft, seen_soft) = (layer(encoded, inputs, None) for layer in layers)
    assert torch.equal(hard, soft)
    assert (seen_soft.abs() < seen_hard.abs()).all()


def test_the_trainer_makes_tanh_steeper_step_by_step(planted: np.ndarray) -> None:
    config = small(hash__tanh_start=2.0, hash__tanh_end=32.0)
    model, pca = network(config, planted)
    trainer = build_trainer(config, model, make_clips(config, pca, pca(planted), seed=0), seed=0)
    binarizer, seen = model.hash_layer.binarizer, []
    assert isinstance(binarizer, Continuation)
    with deterministic_torch(1):
        step = Callbacks(step=lambda done, total: seen.append(binarizer.beta.item()))
        trainer.run(callbacks=step)
    assert seen == pytest.approx([2 * 16 ** (step / 12) for step in range(12)])


@pytest.mark.parametrize("stop_at", [3, 7])
def test_an_interrupted_run_with_tanh_ends_with_the_same_bits(
    make_store: MakeStore, planted: np.ndarray, tmp_path: Path, stop_at: int
) -> None:
    path, config = make_store(planted), small()

    def stop(done: int, total: int) -> None:
        if done == stop_at:
            raise KeyboardInterrupt

    def fitted(**more: object) -> dict[str, np.ndarray]:
        with open_store(path) as store:
            frames = TrainingFrames(store, np.arange(40))
            request = FitRequest(bits=8, seed=0, device="cpu", **more)  # type: ignore[arg-type]
            return CHAIN.fit(config, frames, request).tensors

    whole = fitted()
    checkpoint = Checkpoint(tmp_path / "state.pt", every=0.0)
    with pytest.raises(KeyboardInterrupt):
        fitted(checkpoint=checkpoint, callbacks=Callbacks(step=stop))
    again = fitted(checkpoint=checkpoint)
    assert all(np.array_equal(whole[name], again[name]) for name in whole | again)
    plain = small(hash__binarizer="straight-through")
    assert plain != config
    config = plain
    assert not np.array_equal(
        whole["encoder.input_proj.weight"], fitted()["encoder.input_proj.weight"]
    )


@pytest.mark.parametrize("binarizer", ["straight-through", "tanh"])
@settings(max_examples=8, deadline=None)
@given(bits=st.one_of(st.sampled_from([1, 7, 8, 13, 200, 256]), st.integers(8, 256)))
def test_codes_of_every_length_can_be_trained(binarizer: str, bits: int) -> None:
    features = np.random.default_rng(0).normal(size=(20, 6, 12)).astype(np.float32)
    config = small(hash__binarizer=binarizer, hash__init="random", optim__epochs=1)
    model, pca = network(config, features, bits)
    with deterministic_torch(1):
        clips = make_clips(config, pca, pca(features), seed=0)
        history = build_trainer(config, model, clips, seed=0).run()
    codes = model.encode(features)
    assert np.isfinite(history[0]["loss"])
    assert (codes.shape, codes.dtype) == ((20, bits), bool)
    assert 0 < codes.mean() < 1


@pytest.mark.parametrize("bits", [1, 13, 200, 256])
def test_codes_of_every_length_can_start_as_pca_itq(planted: np.ndarray, bits: int) -> None:
    model, pca = network(small(), planted, bits)
    with deterministic_torch(1):
        init_hash_layer(small(), model, pca(planted), seed=0)
    codes = model.encode(planted)
    assert codes.shape == (40, bits)
    assert 0 < codes.mean() < 1


def test_tanh_cannot_become_flatter() -> None:
    with pytest.raises(UsageError, match=r"`hash\.tanh_end` 1 is less than `hash\.tanh_start` 2"):
        apply(Config(), {"hash.tanh_start": 2.0, "hash.tanh_end": 1.0})
