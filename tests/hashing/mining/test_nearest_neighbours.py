"""Neighbours and structure keeping against plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from chainpipe.hashing.data.clips import NONE
from chainpipe.hashing.losses.similarity_preserving import listwise_loss, squared_loss
from chainpipe.hashing.mining import nearest_neighbours
from chainpipe.hashing.mining.nearest_neighbours import draw_positives, nearest


def vectors(count: int = 30) -> torch.Tensor:
    return torch.randn(count, 5, generator=torch.Generator().manual_seed(0))


def plain_neighbours(rows: torch.Tensor, count: int) -> list[list[int]]:
    unit = (rows / rows.norm(dim=1, keepdim=True)).numpy()
    order = [
        sorted(
            (j for j in range(len(unit)) if j != i), key=lambda j, i=i: -float(unit[i] @ unit[j])
        )
        for i in range(len(unit))
    ]
    return [found[:count] for found in order]


@pytest.mark.parametrize("chunk", [7, 1000])
def test_neighbours_are_the_nearest_others(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_neighbours, "_CHUNK", chunk)
    assert nearest(vectors(), 4).tolist() == plain_neighbours(vectors(), 4)


def test_mutual_neighbours_have_each_other() -> None:
    plain = plain_neighbours(vectors(), 4)
    table = nearest(vectors(), 4, mutual=True)
    for i, found in enumerate(table.tolist()):
        assert [j for j in found if j != NONE] == [j for j in plain[i] if i in plain[j]]


def test_a_threshold_keeps_only_near_ones() -> None:
    unit = torch.nn.functional.normalize(vectors(), dim=1)
    table = nearest(vectors(), 6, min_cosine=0.8)
    for i, found in enumerate(table.tolist()):
        kept = [j for j in found if j != NONE]
        assert all(float(unit[i] @ unit[j]) >= 0.8 for j in kept)
        assert len(kept) == min(6, int((unit @ unit[i] >= 0.8).sum()) - 1)


def test_there_are_no_more_neighbours_than_other_videos() -> None:
    assert nearest(vectors(3), 10).shape == (3, 2)


def test_partners_are_neighbours_as_often_as_said() -> None:
    table = torch.tensor([[1, 2, NONE], [NONE, NONE, NONE], [0, 1, 3], [2, 0, 1]])
    rows = torch.arange(4).repeat(3000)
    chance = torch.Generator().manual_seed(0)
    positive_indices = draw_positives(rows, table, probability=0.6, generator=chance)
    seen = np.array(
        [[((rows == i) & (positive_indices == j)).sum() for j in range(4)] for i in range(4)]
    )
    expected = np.array([[4, 3, 3, 0], [0, 10, 0, 0], [2, 2, 4, 2], [2, 2, 2, 4]]) / 10
    np.testing.assert_allclose(seen / 3000, expected, atol=0.04)
    assert (seen[expected == 0] == 0).all()


def test_squared_structure_loss_agrees_with_loops() -> None:
    codes, features = vectors(6), vectors(6).flip(1) ** 3
    total = 0.0
    for i in range(6):
        for j in range(6):
            ours = float(torch.cosine_similarity(codes[i], codes[j], dim=0))
            theirs = float(torch.cosine_similarity(features[i], features[j], dim=0))
            total += (ours - theirs) ** 2
    assert squared_loss(codes, features).item() == pytest.approx(total / 36, rel=1e-4)
    assert squared_loss(codes, 3 * codes).item() == pytest.approx(0, abs=1e-10)


def test_listwise_structure_loss_agrees_with_loops() -> None:
    codes, features = vectors(6), vectors(6).flip(1) ** 3

    def distribution(rows: torch.Tensor, i: int, temperature: float) -> dict[int, float]:
        score = {
            j: math.exp(float(torch.cosine_similarity(rows[i], rows[j], dim=0)) / temperature)
            for j in range(6)
            if j != i
        }
        return {j: value / sum(score.values()) for j, value in score.items()}

    total = 0.0
    for i in range(6):
        wanted, found = distribution(features, i, 0.2), distribution(codes, i, 0.4)
        total -= sum(wanted[j] * math.log(found[j]) for j in wanted)
    ours = listwise_loss(codes, features, target_temperature=0.2, temperature=0.4)
    assert ours.item() == pytest.approx(total / 6, rel=1e-4)
