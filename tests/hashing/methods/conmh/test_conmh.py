"""ConMH: the published size, the masks, the loss beside a plain version, the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from chainpipe import command
from chainpipe.hashing.cli.train import chosen_config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.methods.conmh import CONMH
from chainpipe.hashing.methods.conmh.blocks import ConmhBlock
from chainpipe.hashing.methods.conmh.build import build_model, build_objective
from chainpipe.hashing.methods.conmh.objective import ConmhObjective, complementary_masks
from chainpipe.hashing.methods.fit import tensors_of
from chainpipe.hashing.models.encoders.positional_encoding import sinusoidal_encoding
from chainpipe.hashing.runtime.seeding import derive_generator
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Split

MakeStore = Callable[..., Path]

SMALL: dict[str, object] = {
    "encoder.hidden_dim": 16,
    "encoder.num_layers": 2,
    "encoder.num_heads": 3,
    "encoder.feed_forward_dim": 16,
    "decoder.hidden_dim": 8,
    "optim.batch_size": 16,
}


def objective(**changes: object) -> ConmhObjective:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return build_objective(apply(CONMH.config, {**SMALL, **named}), dims=12, bits=8, seed=0)


def clips_of(features: np.ndarray) -> Clips:
    frames = torch.from_numpy(features)
    return Clips(frames, frames.mean(dim=1), torch.ones(features.shape[2]))


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_a_block_has_the_published_number_of_parameters() -> None:
    assert count(ConmhBlock(hidden_dim=256, num_heads=6, feed_forward_dim=1024)) == 785_400


def test_the_network_at_test_time_has_the_published_size() -> None:
    assert round(count(build_model(CONMH.config, dims=4096, bits=64)) / 1e6, 1) == 10.6


@given(
    frames=st.integers(1, 40),
    share=st.floats(0, 0.99),
    seed=st.integers(0, 100),
)
def test_the_views_share_as_few_frames_as_they_must(frames: int, share: float, seed: int) -> None:
    shown, hidden = complementary_masks(
        5, frames, mask_ratio=share, generator=derive_generator(seed, "step", 0)
    )
    seen = frames - int(share * frames)
    assert shown.shape == (10, seen)
    whole = torch.cat([shown, hidden], dim=1).sort(dim=1).values
    assert torch.equal(whole, torch.arange(frames).expand(10, frames))
    for one, other in zip(shown[:5].tolist(), shown[5:].tolist(), strict=True):
        assert len(set(one) & set(other)) == max(0, 2 * seen - frames)


def test_seven_and_seven_of_25_frames_are_shown_as_published() -> None:
    shown, _ = complementary_masks(1, 25, mask_ratio=0.75, generator=torch.Generator())
    assert shown.shape[1] == 7
    half, _ = complementary_masks(1, 25, mask_ratio=0.5, generator=torch.Generator())
    assert len(set(half[0].tolist()) & set(half[1].tolist())) == 1


def test_what_is_hidden_changes_nothing_in_the_codes(planted: np.ndarray) -> None:
    one, clips = objective(), clips_of(planted)
    shown, hidden = complementary_masks(40, 9, mask_ratio=0.75, generator=torch.Generator())
    before = one.model.encoded(clips.frames[torch.arange(40).repeat(2)[:, None], shown], shown)
    clips.frames[torch.arange(40)[:, None], hidden[:40]] += 100
    after = one.model.encoded(clips.frames[torch.arange(40)[:, None], shown[:40]], shown[:40])
    torch.testing.assert_close(after, before[:40])


def test_a_frames_place_is_its_place_in_the_video() -> None:
    model = objective().model
    frames, places = torch.zeros(1, 1, 12), torch.tensor([[5]])
    expected = model.input_proj(frames) + sinusoidal_encoding(6, 16)[5]
    for block in model.blocks:
        expected = block(expected)
    expected = model.output_proj(model.norm(expected))
    torch.testing.assert_close(model.encoded(frames, places), expected)


def plain_loss(one: ConmhObjective, frames: torch.Tensor, shown: torch.Tensor) -> list[float]:
    """Compute both terms video by video and pair by pair."""
    videos, time, _ = frames.shape
    rebuilding, codes = 0.0, []
    for row, places in enumerate(shown.tolist()):
        video = frames[row % videos]
        rest = [place for place in range(time) if place not in places]
        there, away = torch.tensor([places]), torch.tensor([rest])
        signs = one.model.signs(one.model.encoded(video[there], there))
        rebuilt = one.decoder(signs, there, away)[0]
        rebuilding += float((rebuilt - video[away[0]]).square().mean()) / videos
        codes.append(signs[0].mean(dim=0))
    total = 0.0
    for i, code in enumerate(codes):
        alike = [float(torch.exp(F.cosine_similarity(code, c, dim=0) / 0.5)) for c in codes]
        other = (i + videos) % len(codes)
        number = len(codes) - 2
        away_sum = sum(alike) - alike[i] - alike[other]
        negative = max(
            (away_sum - 0.1 * number * alike[other]) / 0.9, number * float(np.exp(-1 / 0.5))
        )
        total -= float(np.log(alike[other] / (alike[other] + negative))) / len(codes)
    return [rebuilding, total]


def test_the_loss_equals_a_plain_one(planted: np.ndarray) -> None:
    one, clips = objective(contrastive__weight=0.7), clips_of(planted)
    rows = torch.arange(6)
    with torch.no_grad():
        loss, report = one(
            clips,
            rows=rows,
            positive_indices=rows,
            neighbours=None,
            generator=derive_generator(0, "step", 0),
        )
        shown, _ = complementary_masks(
            6, 9, mask_ratio=0.75, generator=derive_generator(0, "step", 0)
        )
        rebuilding, contrastive = plain_loss(one, clips.frames[:6], shown)
    assert float(report["rebuilding"]) == pytest.approx(rebuilding, rel=1e-4)
    assert float(report["contrastive"]) == pytest.approx(contrastive, rel=1e-4)
    assert float(loss) == pytest.approx(rebuilding + 0.7 * contrastive, rel=1e-4)


def test_a_video_of_one_frame_has_nothing_to_rebuild(planted: np.ndarray) -> None:
    one, rows = objective(), torch.arange(6)
    loss, report = one(
        clips_of(planted[:, :1]),
        rows=rows,
        positive_indices=rows,
        neighbours=None,
        generator=torch.Generator(),
    )
    assert report["rebuilding"] == 0
    assert torch.isfinite(loss)


def test_every_weight_learns(planted: np.ndarray) -> None:
    one, rows = objective(), torch.arange(40)
    loss, _ = one(
        clips_of(planted),
        rows=rows,
        positive_indices=rows,
        neighbours=None,
        generator=torch.Generator(),
    )
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in one.parameters())


def test_a_tie_of_the_frames_signs_is_a_one(planted: np.ndarray) -> None:
    model, two = objective().model, planted[:, :2]
    with torch.no_grad():
        places = torch.arange(2).expand(40, 2)
        votes = model.signs(model.encoded(torch.from_numpy(two), places)).sum(dim=1)
    assert (votes == 0).any()
    assert (votes < 0).any()
    hasher = CONMH.load(apply(CONMH.config, SMALL), tensors_of(model))
    assert np.array_equal(hasher.encode(two), votes.numpy() >= 0)


@pytest.mark.parametrize("frames", [1, 9])
def test_numpy_gives_the_networks_own_bits(planted: np.ndarray, frames: int) -> None:
    model, clips = objective().model, planted[:, :frames]
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
        expected = model(torch.from_numpy(clips)).values.numpy()
    hasher = CONMH.load(apply(CONMH.config, SMALL), tensors_of(model))
    assert hasher.bits == 8
    np.testing.assert_allclose(hasher.values(clips), expected, atol=1e-6)


def test_tensors_of_another_network_are_refused() -> None:
    config, tensors = apply(CONMH.config, SMALL), tensors_of(objective().model)
    with pytest.raises(KeyError, match=r"hash\.weight"):
        CONMH.load(config, {name: tensors[name] for name in tensors if name != "hash.weight"})
    with pytest.raises(ValueError, match="no tensors"):
        CONMH.load(config, {**tensors, "more": tensors["hash.bias"]})


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_more_heads_than_numbers_are_refused(part: str) -> None:
    with pytest.raises(UsageError, match=f"`{part}.hidden_dim` 2 is too small for 3 heads"):
        apply(CONMH.config, {f"{part}.hidden_dim": 2, f"{part}.num_heads": 3})


def test_what_a_method_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="`--method conmh` has no `--paper` preset"):
        chosen_config("conmh", paper=True)
    with pytest.raises(UsageError, match="`--method lsh` has no `--paper` preset"):
        chosen_config("lsh", paper=True)
    with pytest.raises(UsageError, match=r"no config key `views\.mode`"):
        chosen_config("conmh", assignments=["views.mode=segment"])
    with pytest.raises(UsageError, match="`--method lsh` has no config keys"):
        chosen_config("lsh", epochs=3)
    assert chosen_config("lsh") is None


def test_train_encode_search_and_eval_through_the_command_line(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ["abcd"[i % 4] for i in range(40)]
    splits = [Split.TRAIN if i < 24 else Split.TEST for i in range(40)]
    make_store(planted, labels=labels, splits=splits)
    sets = [f"--set={name}={value}" for name, value in SMALL.items()]
    train = ["train", "feats.h5", "--method", "conmh", "--bits", "16", *sets]
    assert command.run([*train, "--epochs", "20", "--set", "optim.lr=0.003"]) == 0
    assert command.run(["encode"]) == 0
    with np.load("models/feats-conmh-16/codes.npz") as codes:
        assert codes["codes"].shape == (40, 2)
    capsys.readouterr()
    assert command.run(["eval", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], found["bits"], found["queries"]) == ("conmh", 16, 16)
    assert found["map_min"]["5"] > 0.6
    assert command.run(["search", "0003.mp4", "--k", "3"]) == 0
    card = Path("models/feats-conmh-16/README.md").read_text()
    assert "not its authors' code" in card
    assert "Trained for 20 epochs; its authors train 805." in card


def test_show_config_prints_the_methods_own_keys(
    make_store: MakeStore, planted: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(make_store(planted))
    assert command.run(["train", path, "--method", "conmh", "--show-config"]) == 0
    shown = capsys.readouterr().out
    assert "ratio = 0.75" in shown
    assert "[views]" not in shown
