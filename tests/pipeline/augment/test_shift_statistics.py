"""Augmentation statistics: planted shifts are found again, and drawn again."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.hashing.data.augmentation_shifts import draw_shifts, project_shifts
from chainpipe.pipeline.augment.shift_statistics import ShiftAccumulator
from chainpipe.pipeline.records import AugmentationStatistics

D, R = 24, 3


def planted(shared: float, dim: int = D) -> AugmentationStatistics:
    """Three strong directions over a faint rest."""
    generator = np.random.default_rng(1)
    axes = np.linalg.qr(generator.standard_normal((dim, R)))[0].T
    return AugmentationStatistics(
        mean=generator.standard_normal(dim).astype(np.float32),
        basis=(axes * [[3.0], [2.0], [1.5]]).astype(np.float32),
        residual=generator.uniform(0.01, 0.03, dim).astype(np.float32),
        explained=0.97, shared=shared, videos=0, shifts=0, augmentation="", mode="", seed=0,
    )  # fmt: skip


def covariance_of(statistics: AugmentationStatistics) -> npt.NDArray[np.float64]:
    return statistics.basis.T @ statistics.basis + np.diag(statistics.residual)


def measure(
    truth: AugmentationStatistics, *, videos: int, views: int = 2, frames: tuple[int, ...] = (8,)
) -> AugmentationStatistics:
    """Measure clips whose views were moved by hand, one draw a view and one a frame."""
    generator = np.random.default_rng(2)
    root = np.linalg.cholesky(covariance_of(truth) + 1e-9 * np.eye(D))
    meter = ShiftAccumulator(D)
    for video in range(videos):
        t = frames[video % len(frames)]
        clean = generator.standard_normal((t, D)) * 5
        once = generator.standard_normal((views, 1, D)) @ root.T * np.sqrt(truth.shared)
        each = generator.standard_normal((views, t, D)) @ root.T * np.sqrt(1 - truth.shared)
        meter.add(clean, clean + truth.mean + once + each)
    return meter.statistics(R, augmentation="grey=1", mode="consistent", seed=7)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.9, 1.0])
def test_planted_mean_covariance_and_share_are_found(shared: float) -> None:
    truth = planted(shared)
    found = measure(truth, videos=4000)
    np.testing.assert_allclose(found.mean, truth.mean, atol=0.12)
    wanted = covariance_of(truth)
    assert np.linalg.norm(covariance_of(found) - wanted) < 0.06 * np.linalg.norm(wanted)
    np.testing.assert_allclose((found.basis**2).sum(1), [9, 4, 2.25], rtol=0.08)
    assert found.shared == pytest.approx(shared, abs=0.02)
    assert found.explained == pytest.approx(15.25 / np.trace(wanted), abs=0.01)
    assert (found.videos, found.shifts) == (4000, 64000)
    assert (found.augmentation, found.mode, found.seed) == ("grey=1", "consistent", 7)


def test_few_frames_do_not_look_shared() -> None:
    """Without the correction, views of 2 frames that share nothing would seem to share half."""
    assert measure(planted(0.0), videos=4000, frames=(2,)).shared < 0.02


def test_clips_of_different_lengths_give_the_planted_share() -> None:
    found = measure(planted(0.4), videos=4000, frames=(1, 2, 5, 30))
    assert found.shared == pytest.approx(0.4, abs=0.03)


@given(
    seed=st.integers(0, 2**32), dim=st.integers(1, 6), rank=st.integers(1, 8),
    clips=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=2, max_size=5),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_it_agrees_with_numpys_covariance_of_all_shifts(
    seed: int, dim: int, rank: int, clips: list[tuple[int, int]]
) -> None:
    generator = np.random.default_rng(seed)
    meter, shifts = ShiftAccumulator(dim), []
    for count, frames in clips:
        clean = generator.standard_normal((frames, dim)).astype(np.float16)
        views = generator.standard_normal((count, frames, dim)).astype(np.float16)
        meter.add(clean, views)
        shifts.extend((views.astype(float) - clean.astype(float)).reshape(-1, dim))
    found = meter.statistics(rank, augmentation="", mode="per-frame", seed=0)
    wanted = np.atleast_2d(np.cov(np.array(shifts), rowvar=False))
    np.testing.assert_allclose(found.mean, np.mean(shifts, axis=0), atol=1e-5)
    assert found.basis.shape == (min(rank, dim), dim)
    kept = np.linalg.eigvalsh(wanted)[::-1][:rank]
    np.testing.assert_allclose((found.basis**2).sum(1), kept, atol=1e-4)
    np.testing.assert_allclose(np.diag(covariance_of(found)), np.diag(wanted), atol=1e-4)
    assert 0 <= found.shared <= 1
    if rank >= dim:
        np.testing.assert_allclose(found.basis.T @ found.basis, wanted, atol=1e-4)
        assert found.explained == pytest.approx(1)


@pytest.mark.parametrize("shared", [0.0, 0.35, 1.0])
@pytest.mark.parametrize("kept", [D, 5])
def test_drawn_shifts_have_the_measured_mean_covariance_and_share(shared: float, kept: int) -> None:
    truth, front = planted(shared), np.random.default_rng(4).normal(size=(D, kept))
    shifts = project_shifts(truth, front)
    chance = torch.Generator().manual_seed(0)
    drawn = draw_shifts(shifts, views=9000, frames=6, generator=chance).numpy()
    assert drawn.shape == (9000, 6, kept)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=(0, 1)), truth.mean @ front, atol=0.5)
    wanted = front.T @ covariance_of(truth) @ front
    found = np.cov(drawn.reshape(-1, kept), rowvar=False)
    assert np.linalg.norm(found - wanted) < 0.05 * np.linalg.norm(wanted)
    first, second = drawn[:, 0], drawn[:, 1]  # what two frames of a view have in common
    common = np.mean((first - first.mean(0)) * (second - second.mean(0)), axis=0).sum()
    assert common / np.trace(wanted) == pytest.approx(shared, abs=0.04)


def test_drawing_and_measuring_go_round() -> None:
    truth = planted(0.5)
    shifts = project_shifts(truth, np.eye(D))
    meter = ShiftAccumulator(D)
    drawn = draw_shifts(
        shifts, views=3000, frames=6, generator=torch.Generator().manual_seed(3)
    ).numpy()
    for part in drawn.reshape(1000, 3, 6, D):
        meter.add(np.zeros((6, D)), part)
    found = meter.statistics(R, augmentation="", mode="consistent", seed=0)
    assert found.shared == pytest.approx(0.5, abs=0.03)
    alignment = np.linalg.svd(_unit(found.basis) @ _unit(truth.basis).T)[1]
    assert alignment.min() > 0.99


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_same_sample_gives_the_same_signs() -> None:
    one, other = (measure(planted(0.5), videos=50) for _ in range(2))
    np.testing.assert_array_equal(one.basis, other.basis)
    assert (np.take_along_axis(one.basis, np.abs(one.basis).argmax(1)[:, None], 1) > 0).all()


def test_views_equal_to_the_clip_move_nothing() -> None:
    meter = ShiftAccumulator(D)
    meter.add(np.ones((4, D)), np.ones((2, 4, D)))
    found = meter.statistics(augmentation="", mode="consistent", seed=0)
    assert not covariance_of(found).any()
    shifts = project_shifts(found, np.eye(D))
    assert not draw_shifts(shifts, views=2, frames=3, generator=torch.Generator()).any()


def test_nothing_added_or_nothing_kept_is_refused() -> None:
    meter = ShiftAccumulator(D)
    with pytest.raises(ValueError, match="0 shifts have no covariance"):
        meter.statistics(augmentation="", mode="consistent", seed=0)
    meter.add(np.zeros((3, D)), np.zeros((1, 3, D)))
    with pytest.raises(ValueError, match="at least 1 direction, not 0"):
        meter.statistics(0, augmentation="", mode="consistent", seed=0)


@pytest.mark.parametrize(
    ("clean", "views"),
    [((3, D), (3, D)), ((3, D), (2, 4, D)), ((3, D + 1), (2, 3, D + 1)), ((D,), (2, 3, D))],
)
def test_shapes_that_do_not_fit_are_refused(clean: tuple[int, ...], views: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"of {D} numbers: "):
        ShiftAccumulator(D).add(np.zeros(clean), np.zeros(views))


def test_a_feature_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        ShiftAccumulator(D).add(np.zeros((1, D)), np.full((1, 1, D), np.nan))
