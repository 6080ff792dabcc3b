"""Frame order: the target, the loss, and that the answer never leaks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hashing.encoders import TransformerEncoder
from hashing.tasks.order import OrderHead, bell, order_accuracy, order_loss, shuffle_clips


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
    ours = order_loss(logits, places, smoothing=smoothing)
    assert ours.item() == pytest.approx(loss_by_hand(logits, places, smoothing), rel=1e-5)


def test_the_target_is_a_distribution_with_its_top_at_the_true_place() -> None:
    places = torch.arange(9)[None]
    for smoothing in (0.0, 1.0, 3.0):
        target = bell(places, 9, smoothing=smoothing)
        torch.testing.assert_close(target.sum(dim=2), torch.ones(1, 9))
        assert torch.equal(target.argmax(dim=2), places)


def test_shuffled_frames_come_from_the_places_that_are_asked_for() -> None:
    clips = torch.randn(6, 25, 4, generator=generator())
    shuffled, places = shuffle_clips(clips, frames=10, generator=generator(1))
    for clip, original, place in zip(shuffled, clips, places, strict=True):
        assert len(set(place.tolist())) == 10
        assert torch.equal(clip, original[place])


def test_every_place_is_equally_likely_in_every_slot() -> None:
    _, places = shuffle_clips(torch.zeros(8000, 5, 1), frames=5, generator=generator())
    for slot in range(5):
        share = torch.bincount(places[:, slot], minlength=5) / 8000
        assert (share - 0.2).abs().max() < 0.02


class TellTale(nn.Module):
    """An encoder that is told the answer: frame features hold their true place."""

    def forward(self, clips: Tensor) -> Tensor:
        return nn.functional.one_hot(clips[:, :, 0].long(), 12).float()


def accuracy(encoder: nn.Module, clips: Tensor, width: int) -> float:
    """Train a head on shuffled clips for a while, and return its accuracy on fresh shuffles."""
    torch.manual_seed(0)
    head = OrderHead(width=width, places=clips.shape[1])
    optimizer = torch.optim.Adam([*head.parameters(), *encoder.parameters()], lr=1e-2)
    for step in range(150):
        shuffled, places = shuffle_clips(clips, frames=12, generator=generator(step))
        loss = order_loss(head(encoder(shuffled)), places, smoothing=0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    shuffled, places = shuffle_clips(clips, frames=12, generator=generator(1000))
    return float(order_accuracy(head(encoder(shuffled)), places))


def test_an_encoder_that_is_told_the_place_scores_all_and_ours_cannot_know_it() -> None:
    told = torch.arange(12.0)[None, :, None].expand(32, 12, 1)
    assert accuracy(TellTale(), told, 12) == 1.0
    # Frames without content: only a leak through the positions could tell the place.
    blank = torch.ones(32, 12, 4)
    ours = TransformerEncoder(dims=4, width=16, layers=1, heads=2, feed_forward=16, dropout=0.0)
    assert accuracy(ours, blank, 16) == pytest.approx(1 / 12, abs=0.05)


def test_ours_starts_at_chance() -> None:
    torch.manual_seed(0)
    clips = torch.randn(64, 12, 8)
    ours = TransformerEncoder(dims=8, width=16, layers=1, heads=2, feed_forward=16, dropout=0.0)
    shuffled, places = shuffle_clips(clips, frames=12, generator=generator())
    logits = OrderHead(width=16, places=12)(ours(shuffled))
    assert order_accuracy(logits, places).item() == pytest.approx(1 / 12, abs=0.05)
    assert order_loss(logits, places, smoothing=0.0).item() == pytest.approx(math.log(12), rel=0.15)
