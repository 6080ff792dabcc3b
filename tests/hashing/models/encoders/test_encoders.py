"""The transformer against torch's own, and what no encoder may depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.methods.chain.build_model import build_model
from chainpipe.hashing.models.encoders.attention import SelfAttention
from chainpipe.hashing.models.encoders.feedforward import Activation
from chainpipe.hashing.models.encoders.mixer import RangeGate
from chainpipe.hashing.models.encoders.positional_encoding import (
    sinusoidal_encoding,
    sinusoidal_encoding_at,
    spread_positions,
    spread_unmasked_positions,
)
from chainpipe.hashing.models.encoders.resample import interpolation_weights, to_frames, to_points
from chainpipe.hashing.models.encoders.transformer import TransformerBlock, TransformerEncoder
from chainpipe.hashing.models.pca_whitening import PcaWhitening

KINDS = ("transformer", "lstm", "mlp-mixer")
DIMS, WIDTH = 6, 8


def built(kind: str, *, seed: int = 0, width: int = WIDTH, layers: int = 2) -> nn.Module:
    """Return the encoder that a config of this kind gives."""
    values: dict[str, object] = {
        "encoder.kind": kind,
        "encoder.hidden_dim": width,
        "encoder.num_layers": layers,
        "encoder.num_heads": 1,
        "encoder.mixer_tokens": 5,
        "encoder.feed_forward_dim": 16,
        "encoder.dropout": 0.5,
    }
    axes = np.eye(DIMS, dtype=np.float32)
    pca = PcaWhitening(axes[0], axes, axes[0])
    model = build_model(apply(Config(), values), pca, bits=4, seed=seed)
    return model.eval().encoder


def clips_of(seed: int, videos: int, frames: int) -> Tensor:
    return torch.randn(videos, frames, DIMS, generator=torch.Generator().manual_seed(seed))


def hidden(seed: int, videos: int, frames: int) -> Tensor:
    """Draw which frames exist, at least one in each video."""
    generator = torch.Generator().manual_seed(seed)
    shown = torch.rand(videos, frames, generator=generator) < 0.6
    shown[torch.arange(videos), torch.randint(frames, (videos,), generator=generator)] = True
    return shown


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(frames=st.integers(1, 60), videos=st.integers(1, 4), seed=st.integers(0, 99))
def test_what_stands_in_hidden_frames_changes_nothing(
    kind: str, frames: int, videos: int, seed: int
) -> None:
    encode, clips, shown = built(kind), clips_of(seed, videos, frames), hidden(seed, videos, frames)
    other = torch.where(shown[:, :, None], clips, 100 * clips_of(seed + 1, videos, frames))
    one, two = encode(clips, shown), encode(other, shown)
    assert one.shape == (videos, frames, WIDTH)
    torch.testing.assert_close(one[shown], two[shown])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None)
@given(frames=st.integers(1, 60), padding=st.integers(1, 20), seed=st.integers(0, 99))
def test_padding_at_the_end_is_as_if_it_were_not_there(
    kind: str, frames: int, padding: int, seed: int
) -> None:
    encode, clips = built(kind), clips_of(seed, 2, frames)
    padded = torch.cat([clips, 100 * clips_of(seed + 1, 2, padding)], dim=1)
    shown = (torch.arange(frames + padding) < frames).expand(2, -1)
    torch.testing.assert_close(encode(padded, shown)[:, :frames], encode(clips))


@pytest.mark.parametrize("kind", ["lstm", "mlp-mixer"])
def test_hidden_frames_are_as_if_cut_out_wherever_they_stand(kind: str) -> None:
    encode, clips, shown = built(kind), clips_of(0, 5, 30), hidden(0, 5, 30)
    masked = encode(clips, shown)
    for video, exists, found in zip(clips, shown, masked, strict=True):
        torch.testing.assert_close(found[exists], encode(video[exists][None])[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_that_hides_nothing_changes_nothing(kind: str) -> None:
    encode, clips = built(kind), clips_of(0, 3, 12)
    all_shown = torch.ones(3, 12, dtype=torch.bool)
    torch.testing.assert_close(encode(clips, all_shown), encode(clips))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 12, 25, 60])
def test_any_number_of_frames_has_an_encoding_and_the_mean_is_its_mean(
    kind: str, frames: int
) -> None:
    encode, clips = built(kind), clips_of(0, 3, frames)
    encoded = encode(clips)
    assert encoded.shape == (3, frames, WIDTH)
    assert torch.equal(encoded, encode(clips))
    torch.testing.assert_close(encode.mean(encode.input_proj(clips)), encoded.mean(dim=1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
def test_every_parameter_of_every_kind_gets_a_gradient(kind: str, masked: bool) -> None:
    encode = built(kind).train()
    shown = hidden(0, 3, 9) if masked else None
    encode(clips_of(0, 3, 9), shown).square().sum().backward()
    still = [n for n, p in encode.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights(kind: str) -> None:
    one, same, other = (built(kind, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["input_proj.weight"], other["input_proj.weight"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_depends_on_the_others_and_on_their_order(kind: str) -> None:
    encode, clips = built(kind), clips_of(0, 1, 9)
    changed = torch.cat([clips[:, :-1], clips_of(1, 1, 1)], dim=1)
    assert (encode(clips) - encode(changed))[:, 0].abs().max() > 1e-4
    turned = encode(clips.flip(1)).flip(1)
    assert (encode(clips) - turned).abs().max() > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_any_width_will_do(kind: str) -> None:
    assert built(kind, width=7)(clips_of(0, 2, 4)).shape == (2, 4, 7)


def test_an_lstm_reads_both_ways_as_torch_does_video_by_video() -> None:
    encode, clips, shown = built("lstm", layers=1), clips_of(0, 4, 11), hidden(3, 4, 11)
    layer: nn.LSTM = encode.layers[0].lstm
    for video, exists, found in zip(clips, shown, encode(clips, shown), strict=True):
        frames = encode.input_proj(video[exists])
        torch.testing.assert_close(found[exists], frames + layer(frames[None])[0][0])


def test_as_many_points_as_frames_resample_to_the_frames_themselves() -> None:
    frames, near = torch.randn(2, 25, 3), interpolation_weights(25, 25)
    torch.testing.assert_close(to_points(frames, near), frames, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(to_frames(frames, near), frames, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 7, 25, 60])
@pytest.mark.parametrize("points", [1, 4, 25])
def test_resampling_keeps_what_stays_the_same_and_uses_every_frame(
    frames: int, points: int
) -> None:
    near = interpolation_weights(frames, points)
    assert near.shape == (1, frames, points)
    torch.testing.assert_close(
        to_points(torch.full((1, frames, 1), 3.0), near), torch.full((1, points, 1), 3.0)
    )
    torch.testing.assert_close(
        to_frames(torch.full((1, points, 1), 3.0), near), torch.full((1, frames, 1), 3.0)
    )
    assert (near.sum(dim=2) > 0).all()


def test_a_mixer_sees_alike_a_slow_clip_sampled_finely_or_coarsely() -> None:
    encode = built("mlp-mixer")

    def mean(frames: int) -> Tensor:
        places = (torch.arange(frames) + 0.5) / frames
        clip = torch.sin(places[:, None] * torch.arange(1, DIMS + 1))[None]
        return encode(clip).mean(dim=1)

    apart = (mean(60) - mean(25)).norm() / mean(25).norm()
    assert apart < 0.02


def test_a_range_gate_doubles_nothing_and_hides_nothing_by_more_than_all() -> None:
    torch.manual_seed(0)
    gate, points = RangeGate(hidden_dim=4, points=9), torch.randn(2, 9, 4)
    weights = gate(points) / points
    assert ((weights > 0) & (weights < 2)).all()
    with torch.no_grad():
        for linear in gate.gates:
            linear.weight.zero_()
            linear.bias.zero_()
    torch.testing.assert_close(gate(points), points)


@pytest.mark.parametrize(("activation", "bias"), [("relu", False), ("relu", True), ("gelu", True)])
def test_a_block_is_the_textbook_block(activation: Activation, bias: bool) -> None:
    torch.manual_seed(0)
    ours = TransformerBlock(
        hidden_dim=8,
        num_heads=2,
        feed_forward_dim=16,
        dropout=0.0,
        activation=activation,
        bias=bias,
    ).eval()
    theirs = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation=activation, batch_first=True, norm_first=True
    ).eval()
    names = {
        "attention.qkv.weight": "self_attn.in_proj_weight",
        "attention.qkv.bias": "self_attn.in_proj_bias",
        "attention.out_proj.weight": "self_attn.out_proj.weight",
        "attention.out_proj.bias": "self_attn.out_proj.bias",
        "attention_norm.weight": "norm1.weight",
        "attention_norm.bias": "norm1.bias",
        "feed_forward_norm.weight": "norm2.weight",
        "feed_forward_norm.bias": "norm2.bias",
        "feed_forward.0.weight": "linear1.weight",
        "feed_forward.0.bias": "linear1.bias",
        "feed_forward.2.weight": "linear2.weight",
        "feed_forward.2.bias": "linear2.bias",
    }
    values = {name: torch.zeros_like(value) for name, value in theirs.state_dict().items()}
    values |= {names[name]: value for name, value in ours.state_dict().items()}
    theirs.load_state_dict(values)
    frames = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(frames), theirs(frames))


def test_positions_belong_to_slots_and_differ() -> None:
    places = sinusoidal_encoding(60, 16)
    torch.testing.assert_close(places[:12], sinusoidal_encoding(12, 16))
    distances = torch.cdist(places, places) + torch.eye(60)
    assert distances.min() > 0.1


def test_places_between_slots_have_positions_between_theirs() -> None:
    torch.testing.assert_close(
        sinusoidal_encoding_at(torch.arange(7), 16), sinusoidal_encoding(7, 16)
    )
    whole, half = sinusoidal_encoding(3, 16), sinusoidal_encoding_at(torch.tensor([0.5, 1.5]), 16)
    assert torch.all((whole[:2] - half).norm(dim=1) < (whole[:2] - whole[1:]).norm(dim=1))


@given(st.integers(1, 80), st.integers(1, 12))
def test_frames_of_any_number_are_spread_evenly_over_the_slots(frames: int, slots: int) -> None:
    places = spread_positions(frames, slots)
    assert places.shape == (frames,)
    assert float(places.min()) >= -0.5
    assert float(places.max()) <= slots - 0.5
    assert float(places.mean()) == pytest.approx((slots - 1) / 2, abs=1e-4)
    torch.testing.assert_close(places.diff(), torch.full((frames - 1,), slots / frames))
    if frames == slots:
        torch.testing.assert_close(places, torch.arange(slots).float())


def test_hidden_frames_take_no_place() -> None:
    shown = torch.tensor([[True, False, True, True], [True, True, True, True], [False] * 4])
    places = spread_unmasked_positions(shown, 6)
    torch.testing.assert_close(places[0, shown[0]], spread_positions(3, 6))
    torch.testing.assert_close(places[1], spread_positions(4, 6))
    assert torch.isfinite(places).all()


@pytest.mark.parametrize(("slots", "same"), [(4, True), (0, False)])
def test_a_clip_shown_in_slow_motion_keeps_its_places_where_they_are_spread(
    slots: int, same: bool
) -> None:
    encoder = TransformerEncoder(
        dims=DIMS,
        hidden_dim=WIDTH,
        num_layers=0,
        num_heads=1,
        feed_forward_dim=1,
        dropout=0,
        activation="relu",
        bias=False,
        position_slots=slots,
    )
    clip = torch.zeros(1, 4, DIMS)
    slow = clip.repeat_interleave(6, dim=1)
    short, long = (encoder.eval()(each).mean(dim=1) for each in (clip, slow))
    assert torch.allclose(short, long, atol=0.15) == same


def test_an_odd_width_has_positions_too() -> None:
    assert sinusoidal_encoding(4, 5).shape == (4, 5)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="3 heads do not divide a width of 8"):
        SelfAttention(hidden_dim=8, num_heads=3, bias=False)
