"""The further losses of ConMH's rivals beside plain versions, on planted groups, and in a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from chainpipe import command
from chainpipe.hashing.methods.conmh.anchors import find_anchors, nearest_anchors
from chainpipe.hashing.methods.conmh.centres import S5vhCentreLoss, centre_codes, soften_labels
from chainpipe.hashing.methods.conmh.similarity import BthSimilarityLoss, relations, similarity_loss
from chainpipe.hashing.methods.conmh.terms import ConmhBatch
from tests.hashing.small import CONMH as SMALL_CONMH

MakeStore = Callable[..., Path]
SIZES = {**SMALL_CONMH, "optim.lr": 0.003}


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def groups(count: int, members: int, dims: int = 6) -> Tensor:
    """Return points around far centres, group by group."""
    centres = 10 * torch.randn(count, dims, generator=chance(1))
    noise = torch.randn(count * members, dims, generator=chance(2))
    return centres.repeat_interleave(members, dim=0) + 0.1 * noise


def no_codes() -> Tensor:
    raise AssertionError("whole videos were hashed")


def seen(
    codes: Tensor, means: Tensor, *, whole: Tensor | None = None, done: float = 0.0
) -> ConmhBatch:
    frames = means[:, None].expand(-1, 3, -1)
    return ConmhBatch(codes, frames, no_codes if whole is None else lambda: whole, done)


@settings(deadline=None)  # the first one imports SciPy
@given(st.integers(0, 99))
def test_each_anchor_is_the_mean_of_its_videos(seed: int) -> None:
    points = groups(5, 8)
    found = find_anchors(points, 5, seed=seed)
    members = nearest_anchors(points, found, 1)[:, 0]
    for number, anchor in enumerate(found):
        torch.testing.assert_close(anchor, points[members == number].mean(dim=0))


def test_no_anchor_is_left_without_videos() -> None:
    points = torch.tensor([[0.0], [0.0], [1.0]])
    assert find_anchors(points, 3, seed=0).sort(dim=0).values.tolist() == [[0], [1]]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_nearest_anchors_equal_a_plain_search(videos: int, anchors: int, seed: int) -> None:
    means = torch.randn(videos, 3, generator=chance(seed))
    points = torch.randn(anchors, 3, generator=chance(seed + 1))
    found = nearest_anchors(means, points, 4).tolist()
    for mean, row in zip(means, found, strict=True):
        order = sorted(range(anchors), key=lambda i: float((mean - points[i]).square().sum()))
        assert row == order[:4]


@given(st.integers(1, 8), st.integers(5, 12), st.integers(0, 99))
def test_relations_equal_a_plain_look_at_sets(videos: int, anchors: int, seed: int) -> None:
    nearest = torch.rand(videos, anchors, generator=chance(seed)).argsort(dim=1)[:, :5]
    found = relations(nearest)
    for i in range(videos):
        for j in range(videos):
            one, other = nearest[i].tolist(), nearest[j].tolist()
            alike = bool(set(one[:3]) & set(other[:3]))
            differ = bool(set(one) & set(other)) and not set(one[:4]) & set(other[:4])
            assert found[i, j] == (0 if i == j else alike - differ)


def test_the_similarity_loss_equals_a_plain_one() -> None:
    codes = torch.randn(6, 4, generator=chance())
    wanted = torch.randint(-1, 2, (6, 6), generator=chance(1)).float()
    pairs = [(i, j) for i in range(6) for j in range(6) if wanted[i, j]]
    by_hand = [
        (float(F.cosine_similarity(codes[i], codes[j], dim=0)) - float(wanted[i, j])) ** 2
        for i, j in pairs
    ]
    assert float(similarity_loss(codes, wanted)) == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_without_pairs_there_is_no_similarity_loss() -> None:
    assert similarity_loss(torch.ones(3, 2), torch.zeros(3, 3)) == 0


def test_views_of_a_video_are_no_pair_but_meet_those_of_alike_videos() -> None:
    anchors = groups(8, 1)
    task = BthSimilarityLoss(anchors=anchors)
    views = torch.tensor([[1.0, 1.0], [1.0, -1.0]])  # a first and a second view, cosine 0
    assert task(seen(views, anchors[:1])) == 0
    two = views.repeat_interleave(2, dim=0)  # first views of two videos, then their second views
    assert float(task(seen(two, anchors[:1].expand(2, -1)))) == pytest.approx(0.5)


def test_alike_anchors_get_alike_codes() -> None:
    near = groups(4, 2)  # pairs of anchors
    codes = centre_codes(near, 16, seed=0)
    assert set(codes.unique().tolist()) == {-1, 1}
    differing = (codes[:, None] != codes[None]).sum(dim=2)
    pair = torch.arange(8) // 2
    same = pair[:, None] == pair[None]
    assert differing[same].float().mean() < 1
    assert differing[~same].min() > differing[same].max()


def test_trust_mixes_labels_and_predictions() -> None:
    predicted = torch.tensor([[0.2, 0.8], [0.5, 0.5]])
    labels = torch.tensor([0, 1])
    assert soften_labels(labels, predicted, trust=1).tolist() == [[1, 0], [0, 1]]
    torch.testing.assert_close(soften_labels(labels, predicted, trust=0), predicted)
    torch.testing.assert_close(
        soften_labels(labels, predicted, trust=0.5), torch.tensor([[0.6, 0.4], [0.25, 0.75]])
    )


def centre_task(anchors: Tensor, bits: int = 8) -> S5vhCentreLoss:
    return S5vhCentreLoss(
        anchors=anchors,
        codes=centre_codes(anchors, bits, seed=0),
        temperature=0.5,
        warmup_epochs=5,
        trust_decay=0.1,
        epochs=10,
    )


def plain_centres(task: S5vhCentreLoss, codes: Tensor, wanted: Tensor) -> float:
    """Compute the loss view by view."""
    total = 0.0
    for number, code in enumerate(codes):
        logits = [float(code @ each) / (len(code) * 0.5) for each in task.codes]
        log_sum = float(np.log(np.exp(logits).sum()))
        for logit, share in zip(logits, wanted[number % len(wanted)].tolist(), strict=True):
            total += share * (log_sum - logit) / len(codes)
    return total


def test_the_centre_loss_equals_a_plain_one() -> None:
    points = groups(3, 2)
    task = centre_task(find_anchors(points, 3, seed=0))
    codes = torch.randn(12, 8, generator=chance(4)).clamp(-1, 1)
    labels = F.one_hot(nearest_anchors(points, task.anchors, 1)[:, 0], 3).float()
    found = task(seen(codes, points, done=0.59))  # epoch 5, the last that is trusted
    assert float(found) == pytest.approx(plain_centres(task, codes, labels), rel=1e-5)


def test_after_the_warmup_whole_videos_have_a_say() -> None:
    points = groups(3, 2)
    task = centre_task(find_anchors(points, 3, seed=0))
    codes = torch.randn(12, 8, generator=chance(4)).clamp(-1, 1)
    whole = torch.randn(6, 8, generator=chance(5)).clamp(-1, 1)
    labels = F.one_hot(nearest_anchors(points, task.anchors, 1)[:, 0], 3).float()
    said = torch.stack([(each @ task.codes.T).softmax(dim=0) for each in whole])
    wanted = 0.9**3 * labels + (1 - 0.9**3) * said  # epoch 8 is 3 after the warm-up
    found = task(seen(codes, points, whole=whole, done=0.8))
    assert float(found) == pytest.approx(plain_centres(task, codes, wanted), rel=1e-5)


@pytest.mark.parametrize(
    ("term", "said"), [("similarity", "With BTH's loss"), ("centres", "With S5VH's loss")]
)
def test_a_term_is_learned_and_stands_in_the_card(
    make_store: MakeStore,
    planted: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    term: str,
    said: str,
) -> None:
    store = make_store(np.concatenate([planted] * 2))  # 80 videos: several anchors
    sizes = [word for n, v in SIZES.items() for word in ("--set", f"{n}={v}")]
    train = ["train", str(store), "--method", "conmh", "--bits", "8", "--json", *sizes]
    told = ["--set", f"{term}.weight=1", "--set", f"{term}.anchors=4"]
    out = str(tmp_path / "with")
    assert command.run([*train, "--epochs", "30", *told, "--out", out]) == 0
    history = [row for row in json.loads(capsys.readouterr().out)["history"] if term in row]
    assert history[-1][term] < 0.9 * history[0][term]
    assert said in (tmp_path / "with" / "README.md").read_text()
    plain = str(tmp_path / "plain")
    assert command.run([*train, "--epochs", "2", "--out", plain]) == 0
    assert all(term not in row for row in json.loads(capsys.readouterr().out)["history"])
    assert said not in (tmp_path / "plain" / "README.md").read_text()
