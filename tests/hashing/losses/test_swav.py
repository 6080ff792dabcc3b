"""Prototypes across videos: an even assignment, and the swapped loss against loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.losses.base import Step
from chainpipe.hashing.losses.swav import SwavLoss, sinkhorn, swapped_prediction_loss
from chainpipe.hashing.models.hash_model import HashOutput
from chainpipe.hashing.views.view_maker import Views


def by_hand(view_a: Tensor, view_b: Tensor, prototypes: Tensor, *, rounds: int) -> float:
    """Compute the swapped loss code by code, with exponentials as they stand in the paper."""

    def cosines(view: Tensor) -> list[list[float]]:
        return [
            [float(code @ one / code.norm() / one.norm()) for one in prototypes] for code in view
        ]

    def assigned(table: list[list[float]]) -> list[list[float]]:
        share = [[math.exp(cosine / 0.2) for cosine in row] for row in table]
        for _ in range(rounds):
            columns = [sum(row[p] for row in share) for p in range(len(prototypes))]
            share = [[value / columns[p] for p, value in enumerate(row)] for row in share]
            share = [[value / sum(row) for value in row] for row in share]
        return share

    total, tables = 0.0, (cosines(view_a), cosines(view_b))
    for told, other in (tables, tables[::-1]):
        for row, wanted in zip(told, assigned(other), strict=True):
            scores = [math.exp(cosine / 0.5) for cosine in row]
            for score, share in zip(scores, wanted, strict=True):
                total -= share * math.log(score / sum(scores)) / (2 * len(view_a))
    return total


def test_agrees_with_the_loss_written_as_loops() -> None:
    chance = torch.Generator().manual_seed(0)
    views = [torch.randn(7, 5, generator=chance) for _ in range(2)]
    prototypes = torch.randn(4, 5, generator=chance)
    ours = swapped_prediction_loss(*views, prototypes, temperature=0.5, epsilon=0.2, iterations=3)
    assert ours.item() == pytest.approx(by_hand(*views, prototypes, rounds=3), rel=1e-4)


@settings(deadline=None)
@given(codes=st.integers(2, 40), prototypes=st.integers(2, 12), seed=st.integers(0, 99))
def test_after_many_rounds_every_prototype_has_an_equal_part(
    codes: int, prototypes: int, seed: int
) -> None:
    cosines = 2 * torch.rand(codes, prototypes, generator=torch.Generator().manual_seed(seed)) - 1
    shares = sinkhorn(cosines, epsilon=0.3, iterations=200)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(codes))
    even = torch.full((prototypes,), codes / prototypes)
    torch.testing.assert_close(shares.sum(dim=0), even, rtol=1e-3, atol=1e-3)


def test_sharp_cosines_do_not_overflow() -> None:
    shares = sinkhorn(torch.eye(6), epsilon=1e-3, iterations=3)
    torch.testing.assert_close(shares, torch.eye(6))


def test_the_task_finds_planted_clusters() -> None:
    chance = torch.Generator().manual_seed(0)
    centres = torch.randn(4, 16, generator=chance)
    video_indices = torch.arange(40) % 4
    torch.manual_seed(0)
    task = SwavLoss(bits=16, num_prototypes=4, temperature=0.1, epsilon=0.05, iterations=3)
    optimizer = torch.optim.Adam(task.parameters(), lr=0.05)
    nothing = torch.zeros(0)
    for _ in range(60):
        codes = centres[video_indices.repeat(2)] + 0.3 * torch.randn(80, 16, generator=chance)
        step = Step(
            model=None,  # type: ignore[arg-type]
            clips=Clips(nothing, nothing, nothing),
            views=Views(nothing, None, nothing, nothing),
            output=HashOutput(nothing, nothing, codes),
            rows=torch.arange(40),
            neighbours=None,
            generator=chance,
        )
        loss, _measures = task(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    cosines = (
        torch.nn.functional.normalize(centres, dim=1)
        @ torch.nn.functional.normalize(task.prototypes.detach(), dim=1).T
    )
    assert sorted(cosines.argmax(dim=1).tolist()) == [0, 1, 2, 3]
    assert loss.item() < 0.5 < math.log(4)
