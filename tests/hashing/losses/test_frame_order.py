"""Frame order: the target, the loss, and that the answer never leaks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.losses.base import Step
from chainpipe.hashing.losses.frame_order import (
    FrameOrderLoss,
    gaussian_target,
    order_chance_level,
    order_loss,
    shuffle_clips,
)
from chainpipe.hashing.models.encoders import Encoder, TransformerEncoder
from chainpipe.hashing.models.hash_model import HashLayer, HashModel, HashOutput
from chainpipe.hashing.models.pca_whitening import PcaWhitening
from chainpipe.hashing.views.view_maker import Views


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def loss_by_hand(logits: Tensor, places: Tensor, smoothing: float) -> float:
    total, count = 0.0, logits.shape[2]
    for clip, true in zip(logits, places, strict=True):
        for row, place in zip(clip, true.tolist(), strict=True):
            bells = [
                math.exp(-((q - place) ** 2) / (2 * smoothing**2)) if smoothing else q == place
                for q in range(count)
            ]
            log_sum = math.log(sum(math.exp(float(x)) for x in row))
            total -= sum(
                b / sum(bells) * (float(x) - log_sum) for b, x in zip(bells, row, strict=True)
            )
    return total / places.numel()


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 2.0])
def test_agrees_with_the_sum_written_as_loops(smoothing: float) -> None:
    logits = torch.randn(3, 5, 7, generator=generator())
    places = torch.randint(7, (3, 5), generator=generator())
    ours = order_loss(logits, places, label_std=smoothing)
    assert ours.item() == pytest.approx(loss_by_hand(logits, places, smoothing), rel=1e-5)


def test_the_target_is_a_distribution_with_its_top_at_the_true_place() -> None:
    places = torch.arange(9)[None]
    for smoothing in (0.0, 1.0, 3.0):
        target = gaussian_target(places, 9, label_std=smoothing)
        torch.testing.assert_close(target.sum(dim=2), torch.ones(1, 9))
        assert torch.equal(target.argmax(dim=2), places)


def test_the_narrowest_bell_is_the_exact_place() -> None:
    places = torch.tensor([[0, 4, 8]])
    exact = nn.functional.one_hot(places, 9).float()
    for smoothing in (0.0, 1e-30, 1e-3, 0.05):
        assert torch.equal(gaussian_target(places, 9, label_std=smoothing), exact)


def test_the_smoothed_loss_is_least_where_the_answer_is_the_bell_itself() -> None:
    places = torch.arange(9)[None]
    target = gaussian_target(places, 9, label_std=1.5)
    least = order_loss(target.log(), places, label_std=1.5)
    assert least.item() == pytest.approx(
        -(target * target.log()).sum(dim=2).mean().item(), rel=1e-5
    )
    for seed in range(5):
        other = target.log() + 0.3 * torch.randn(target.shape, generator=generator(seed))
        assert order_loss(other, places, label_std=1.5) > least


@st.composite
def draws(draw: st.DrawFn) -> tuple[int, int, int]:
    places = draw(st.integers(1, 30))
    frames = draw(st.integers(1, places))
    return places, frames, draw(st.integers(0, frames))


@given(draws(), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_shuffled_frames_come_from_different_places_and_the_rest_keep_their_slots(
    sizes: tuple[int, int, int], seed: int
) -> None:
    count, frames, moved = sizes
    clips = torch.randn(4, count, 2, generator=generator())
    shuffled, places = shuffle_clips(
        clips, num_frames=frames, num_shuffled=moved, generator=generator(seed)
    )
    for clip, original, place in zip(shuffled, clips, places, strict=True):
        assert len(set(place.tolist())) == frames
        assert torch.equal(clip, original[place])
    if moved < frames:
        kept = places == places.sort(dim=1).values
        assert (kept.sum(dim=1) >= frames - moved).all()


def test_as_many_frames_as_asked_are_mixed_up_and_every_order_is_equally_likely() -> None:
    clips = torch.zeros(24_000, 5, 1)
    _, places = shuffle_clips(clips, num_frames=5, num_shuffled=3, generator=generator())
    kept = (places == torch.arange(5)).sum(dim=1)
    # Of the six orders of three frames one moves none, three move two and two move three.
    share = torch.bincount(kept, minlength=6) / 24_000
    torch.testing.assert_close(
        share, torch.tensor([0, 0, 2 / 6, 3 / 6, 0, 1 / 6]), atol=0.015, rtol=0
    )
    moved_at = (places != torch.arange(5)).float().mean(dim=0)
    torch.testing.assert_close(moved_at, torch.full((5,), 0.4), atol=0.015, rtol=0)


def test_every_place_is_equally_likely_in_every_slot_of_a_full_shuffle() -> None:
    _, places = shuffle_clips(
        torch.zeros(8000, 5, 1), num_frames=5, num_shuffled=5, generator=generator()
    )
    for slot in range(5):
        share = torch.bincount(places[:, slot], minlength=5) / 8000
        assert (share - 0.2).abs().max() < 0.02


SHUFFLES = [(12, 12, 12), (12, 12, 6), (12, 5, 5), (12, 5, 2), (12, 12, 0), (7, 1, 1)]


@pytest.mark.parametrize(("count", "frames", "moved"), SHUFFLES)
def test_chance_is_what_the_best_guess_by_slot_scores(count: int, frames: int, moved: int) -> None:
    clips = torch.zeros(40_000, count, 1)
    _, places = shuffle_clips(clips, num_frames=frames, num_shuffled=moved, generator=generator())
    counts = nn.functional.one_hot(places, count).sum(dim=0)  # (S, T)
    best = (counts.amax(dim=1) / 40_000).mean().item()
    assert order_chance_level(
        num_positions=count, num_frames=frames, num_shuffled=moved
    ) == pytest.approx(best, abs=0.01)


def test_chance_stays_a_number_for_long_videos() -> None:
    assert order_chance_level(
        num_positions=2000, num_frames=900, num_shuffled=900
    ) == pytest.approx(1 / 2000, rel=1e-6)


class TellTale(nn.Module):
    """An encoder that is told the answer: frame features hold their true place."""

    hidden_dim = 12

    def forward(self, clips: Tensor, shown: Tensor | None = None) -> Tensor:
        return nn.functional.one_hot(clips[:, :, 0].long(), 12).float()


def ours(dims: int) -> TransformerEncoder:
    torch.manual_seed(0)
    return TransformerEncoder(
        dims=dims,
        hidden_dim=16,
        num_layers=1,
        num_heads=2,
        feed_forward_dim=16,
        dropout=0.0,
        activation="gelu",
        bias=True,
        position_slots=0,
    )


def the_task(encoder: Encoder, clips: Tensor, *, moved: int) -> tuple[FrameOrderLoss, Step]:
    """The task as training runs it, over a network whose encoder is given."""
    task = FrameOrderLoss(
        hidden_dim=encoder.hidden_dim,
        num_positions=12,
        num_frames=12,
        num_shuffled=moved,
        label_std=0.0,
    )
    rows = torch.arange(len(clips))
    size = clips.shape[2]
    pca = PcaWhitening(np.zeros(size, "f4"), np.eye(size, dtype="f4"), np.ones(size, "f4"))
    layer = HashLayer(
        dims=size,
        hidden_dim=encoder.hidden_dim,
        bits=4,
        binarize="video",
        shortcut=False,
        l2_normalize=False,
    )
    model = HashModel(pca=pca, encoder=encoder, hash_layer=layer)
    nothing = torch.zeros(0)
    step = Step(
        model=model,
        clips=Clips(clips, clips.mean(dim=1), torch.ones(size)),
        views=Views(nothing, None, nothing, nothing),
        output=HashOutput(nothing, nothing, nothing),
        rows=rows,
        neighbours=None,
        generator=generator(),
    )
    return task, step


def accuracy_after_training(encoder: Encoder, clips: Tensor, *, moved: int) -> tuple[float, float]:
    """Return the accuracy on fresh shuffles after some training, and the task's chance."""
    task, step = the_task(encoder, clips, moved=moved)
    optimizer = torch.optim.Adam([*task.parameters(), *step.model.parameters()], lr=3e-2)
    for number in range(40):
        loss, _ = task(replace(step, generator=generator(number)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, measures = task(replace(step, generator=generator(1000)))
    return measures["order_accuracy"].item(), measures["order_chance"].item()


@pytest.mark.parametrize("moved", [12, 6])
def test_an_encoder_that_is_told_the_places_scores_all(moved: int) -> None:
    told = torch.arange(12.0)[None, :, None].expand(16, 12, 1)
    accuracy, chance = accuracy_after_training(TellTale(), told, moved=moved)
    assert accuracy == 1.0
    assert chance < 0.6


@pytest.mark.parametrize("moved", [12, 6])
def test_ours_trained_on_frames_without_content_stays_at_chance(moved: int) -> None:
    # Only a leak could tell the place beyond the slot; 768 frames, four standard deviations.
    accuracy, chance = accuracy_after_training(ours(4), torch.ones(64, 12, 4), moved=moved)
    assert accuracy <= chance + 4 * math.sqrt(chance * (1 - chance) / 768)


@pytest.mark.parametrize("moved", [12, 6])
def test_what_ours_is_fed_does_not_depend_on_the_answer(moved: int) -> None:
    """The proof: with equal frames, two different answers give the same output to the bit."""
    blank = torch.ones(16, 12, 4)
    (one, places), (two, others) = (
        shuffle_clips(blank, num_frames=12, num_shuffled=moved, generator=generator(seed))
        for seed in (1, 2)
    )
    assert not torch.equal(places, others)
    encoder = ours(4)
    assert torch.equal(encoder(one), encoder(two))


@pytest.mark.parametrize("moved", [12, 6, 3])
def test_ours_starts_no_better_than_chance(moved: int) -> None:
    torch.manual_seed(0)
    clips = torch.randn(300, 12, 8)
    task, step = the_task(ours(8), clips, moved=moved)
    loss, measures = task(step)
    chance = measures["order_chance"].item()
    assert chance == pytest.approx((12 - moved + 1) / 12)
    assert measures["order_accuracy"] <= chance + 4 * math.sqrt(chance * (1 - chance) / 3600)
    if moved == 12:
        assert measures["order_accuracy"].item() == pytest.approx(1 / 12, abs=0.02)
        assert loss.item() == pytest.approx(math.log(12), rel=0.15)
