"""The lean two-layer part against torch's own layers, forward and backward."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from chainpipe.hashing.models.encoders.feedforward import FeedForward


def lean(*, dtype: torch.dtype = torch.float32) -> FeedForward:
    torch.manual_seed(0)
    return FeedForward(hidden_dim=5, feed_forward_dim=9, activation="relu", bias=False).to(dtype)


def grads(layer: nn.Module, frames: Tensor, *, plain: bool) -> list[Tensor]:
    """Return what comes out and all gradients, through the layer or through its parts."""
    frames = frames.clone().requires_grad_()
    out = nn.Sequential.forward(layer, frames) if plain else layer(frames)  # type: ignore[arg-type, no-untyped-call]
    wanted = [frames, *layer.parameters()]
    return [out, *torch.autograd.grad(out.square().sum(), wanted)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=2), st.integers(0, 99))
def test_it_is_its_own_layers(before: list[int], seed: int) -> None:
    frames = torch.randn(*before, 5, generator=torch.Generator().manual_seed(seed))
    layer = lean()
    for ours, theirs in zip(
        grads(layer, frames, plain=False), grads(layer, frames, plain=True), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_its_gradient_is_the_slope() -> None:
    layer = lean(dtype=torch.float64)
    frames = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (frames,))


def test_lower_precision_reaches_the_products() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert lean()(torch.randn(2, 3, 5)).dtype == torch.bfloat16


def test_frames_of_a_gradient_that_is_shared_are_left_alone() -> None:
    layer, frames = lean(), torch.randn(4, 5, requires_grad=True)
    above = torch.randn(4, 5)
    kept = above.clone()
    layer(frames).backward(above)
    torch.testing.assert_close(above, kept)


@pytest.mark.parametrize(("activation", "bias"), [("gelu", False), ("gelu", True), ("relu", True)])
def test_other_kinds_are_torchs_layers(activation: str, bias: bool) -> None:
    layer = FeedForward(hidden_dim=5, feed_forward_dim=9, activation=activation, bias=bias)  # type: ignore[arg-type]
    assert not layer.lean
    assert (layer[0].bias is not None) == bias
    assert isinstance(layer[1], nn.GELU if activation == "gelu" else nn.ReLU)
