"""Dropout and the draws behind it: how many, which, and from where."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.models.encoders.dropout import ResidualDropout
from chainpipe.hashing.runtime.seeding import dropout_mask


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95])
def test_the_share_is_met_whichever_sixteen_bits_a_number_takes(share: float) -> None:
    drawn = dropout_mask((100_000, 4), p=share, generator=torch.Generator().manual_seed(3))
    four_sigma = 4 * (share * (1 - share) / len(drawn)) ** 0.5
    assert (1 - drawn.float().mean(dim=0) - share).abs().max() <= four_sigma + 1e-9


def test_numbers_drawn_from_the_same_word_are_independent() -> None:
    drawn = dropout_mask((100_000, 4), p=0.5, generator=torch.Generator().manual_seed(4)).float()
    correlation = torch.corrcoef(drawn.T) - torch.eye(4)
    assert correlation.abs().max() < 0.02


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.integers(0, 99))
def test_any_shape_is_drawn_from_the_seed_alone(shape: list[int], seed: int) -> None:
    first, again = (
        dropout_mask(shape, p=0.3, generator=torch.Generator().manual_seed(seed)) for _ in range(2)
    )
    assert first.shape == torch.Size(shape)
    assert torch.equal(first, again)


def test_all_frames_of_a_clip_lose_the_same_numbers_and_the_rest_grows() -> None:
    torch.manual_seed(0)
    frames, added = torch.zeros(300, 4, 50), torch.ones(300, 4, 50)
    summed = ResidualDropout(0.2).train()(frames, added)
    assert torch.equal(summed, summed[:, :1].expand_as(summed))
    torch.testing.assert_close(summed.unique(), torch.tensor([0.0, 1.25]))
    assert float(summed.mean()) == pytest.approx(1, abs=0.02)
    assert not torch.equal(summed[0], summed[1])


def test_a_gradient_goes_where_the_numbers_went() -> None:
    torch.manual_seed(0)
    frames, added = (torch.ones(5, 3, 7, requires_grad=True) for _ in range(2))
    summed = ResidualDropout(0.5).train()(frames, added)
    summed.sum().backward()
    assert frames.grad is not None
    assert added.grad is not None
    torch.testing.assert_close(frames.grad, torch.ones(5, 3, 7))
    torch.testing.assert_close(added.grad, summed.detach() - 1)


@pytest.mark.parametrize(("share", "training"), [(0.5, False), (0.0, True)])
def test_nothing_is_lost_when_it_is_off(share: float, training: bool) -> None:
    frames, added = torch.rand(2, 3, 4), torch.rand(2, 3, 4)
    torch.testing.assert_close(
        ResidualDropout(share).train(training)(frames, added), frames + added
    )
