"""Scene prototypes against loops; a video of one scene adds exactly 0."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from chainpipe.hashing.losses.scene import find_encoded_scenes, find_scenes, scene_loss


def by_hand(encoded: Tensor, scenes: Tensor, temperature: float) -> float:
    total = 0.0
    for frames, scene in zip(encoded, scenes, strict=True):
        unit = [frame / frame.norm() for frame in frames]
        prototypes = {}
        for k in set(scene.tolist()):
            mean = torch.stack([u for u, s in zip(unit, scene, strict=True) if s == k]).mean(dim=0)
            prototypes[k] = mean / mean.norm()
        for u, s in zip(unit, scene.tolist(), strict=True):
            score = {k: math.exp(float(u @ c) / temperature) for k, c in prototypes.items()}
            total -= math.log(score[s] / sum(score.values()))
    return total / scenes.numel()


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_agrees_with_the_sum_written_as_loops(temperature: float) -> None:
    chance = torch.Generator().manual_seed(0)
    encoded = torch.randn(4, 9, 6, generator=chance)
    scenes = torch.randint(3, (4, 9), generator=chance)
    scenes[0] = torch.tensor([0, 2, 2, 0, 2, 0, 0, 0, 2])  # scene 1 is absent
    ours = scene_loss(encoded, scenes, temperature=temperature)
    assert ours.item() == pytest.approx(by_hand(encoded, scenes, temperature), rel=1e-5)


def test_a_video_of_one_scene_adds_exactly_nothing() -> None:
    encoded = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    scenes = torch.tensor([[0] * 8, [2] * 8])
    loss = scene_loss(encoded, scenes, temperature=0.1)
    loss.backward()
    assert loss.item() == 0
    assert encoded.grad is not None
    assert encoded.grad.abs().max() == 0


def test_frames_at_their_own_prototype_cost_less_than_frames_anywhere() -> None:
    scenes = torch.arange(9)[None] // 3
    apart = torch.eye(3)[scenes]
    mixed = torch.randn(1, 9, 3, generator=torch.Generator().manual_seed(0))
    assert scene_loss(apart, scenes, temperature=0.1) < 1e-3
    assert scene_loss(mixed, scenes, temperature=0.1) > 0.1


def test_a_video_that_hardly_varies_is_one_scene() -> None:
    chance = torch.Generator().manual_seed(0)
    lively = 3 * torch.randn(6, 10, 4, generator=chance)
    still = 5 + 0.01 * torch.randn(2, 10, 4, generator=chance)
    scenes = find_scenes(torch.cat([lively, still]), num_clusters=3, min_std=0.1, generator=chance)
    assert [len(scene.unique()) for scene in scenes] == [3] * 6 + [1] * 2


def test_scenes_do_not_depend_on_how_many_videos_are_clustered_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    centres = 9 * torch.eye(4)
    clips = centres[torch.arange(12) // 4].expand(7, 12, 4)
    whole = find_scenes(clips, num_clusters=3, min_std=0.0, generator=torch.Generator())
    monkeypatch.setattr("chainpipe.hashing.losses.scene.CHUNK", 2)
    parts = find_scenes(clips, num_clusters=3, min_std=0.0, generator=torch.Generator())
    for scenes in (whole, parts):
        together = scenes[:, :, None] == scenes[:, None, :]
        expected = torch.arange(12)[:, None] // 4 == torch.arange(12)[None] // 4
        assert (together == expected).all()


def together(scenes: Tensor) -> Tensor:
    return scenes[:, :, None] == scenes[:, None, :]


def test_scenes_are_found_anew_in_the_encoders_outputs() -> None:
    truth = torch.tensor([[0, 0, 1, 1, 1, 2], [0, 1, 0, 1, 0, 1]])
    lengths = torch.tensor([1.0, 5.0, 2.0, 9.0, 0.5, 3.0])  # only directions count
    encoded = torch.eye(3)[truth] * lengths[:, None]
    first = torch.tensor([[0, 1, 0, 1, 0, 1]] * 2)
    found = find_encoded_scenes(
        first, encoded.split(1), num_clusters=3, generator=torch.Generator()
    )
    assert torch.equal(together(found), together(truth))


def test_a_video_of_one_scene_adds_exactly_nothing_when_scenes_are_found_anew() -> None:
    encoded = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(0))
    first = torch.tensor([[1] * 8, [0] * 4 + [1] * 4, [0] * 8])
    found = find_encoded_scenes(
        first, [encoded], num_clusters=3, generator=torch.Generator().manual_seed(0)
    )
    assert [len(scene.unique()) for scene in found] == [1, 3, 1]
    encoded.requires_grad_()
    loss = scene_loss(encoded[[0, 2]], found[[0, 2]], temperature=0.1)
    loss.backward()
    assert loss.item() == 0
    assert encoded.grad is not None
    assert encoded.grad.abs().max() == 0
