"""The transformer against torch's own, and what it must not depend on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from hashing.encoders import TransformerEncoder
from hashing.encoders.attention import SelfAttention
from hashing.encoders.position import sinusoids
from hashing.encoders.transformer import Block


def encoder(dropout: float = 0.0) -> TransformerEncoder:
    torch.manual_seed(0)
    return TransformerEncoder(
        dims=6, width=8, layers=2, heads=2, feed_forward=16, dropout=dropout
    ).eval()


def test_a_block_is_the_textbook_block() -> None:
    torch.manual_seed(0)
    ours = Block(width=8, heads=2, feed_forward=16, dropout=0.0).eval()
    theirs = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    names = {
        "attention.query_key_value.weight": "self_attn.in_proj_weight",
        "attention.query_key_value.bias": "self_attn.in_proj_bias",
        "attention.out.weight": "self_attn.out_proj.weight",
        "attention.out.bias": "self_attn.out_proj.bias",
        "attention_norm.weight": "norm1.weight",
        "attention_norm.bias": "norm1.bias",
        "feed_norm.weight": "norm2.weight",
        "feed_norm.bias": "norm2.bias",
        "feed.0.weight": "linear1.weight",
        "feed.0.bias": "linear1.bias",
        "feed.2.weight": "linear2.weight",
        "feed.2.bias": "linear2.bias",
    }
    theirs.load_state_dict({names[name]: value for name, value in ours.state_dict().items()})
    frames = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(frames), theirs(frames))


@pytest.mark.parametrize("frames", [1, 12, 25, 60])
def test_any_number_of_frames_can_be_encoded(frames: int) -> None:
    assert encoder()(torch.zeros(2, frames, 6)).shape == (2, frames, 8)


def test_padding_changes_nothing_in_the_frames_that_exist() -> None:
    clips = torch.randn(2, 7, 6)
    padded = torch.cat([clips, 100 * torch.randn(2, 3, 6)], dim=1)
    shown = torch.tensor([True] * 7 + [False] * 3).expand(2, 10)
    torch.testing.assert_close(encoder()(padded, shown)[:, :7], encoder()(clips))


def test_order_matters_to_the_encoder() -> None:
    clips = torch.randn(1, 5, 6)
    forwards, backwards = encoder()(clips), encoder()(clips.flip(1)).flip(1)
    assert (forwards - backwards).abs().max() > 0.01


def test_positions_belong_to_slots_and_differ() -> None:
    places = sinusoids(60, 16)
    torch.testing.assert_close(places[:12], sinusoids(12, 16))
    distances = torch.cdist(places, places) + torch.eye(60)
    assert distances.min() > 0.1


def test_an_odd_width_has_positions_too() -> None:
    assert sinusoids(4, 5).shape == (4, 5)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide a width of 8"):
        SelfAttention(width=8, heads=3)
