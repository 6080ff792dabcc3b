"""Each switch of the views: what it changes, that it changes nothing else, what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from chainpipe.hashing.config import Config
from chainpipe.hashing.config.overrides import apply
from chainpipe.hashing.config.presets import Survey, paper_config, resolve
from chainpipe.hashing.data.augmentation_shifts import project_shifts
from chainpipe.hashing.data.clips import Clips
from chainpipe.hashing.data.requirements import cached_material, check_frames, order_sample_sizes
from chainpipe.hashing.data.training_set import TrainingFrames
from chainpipe.hashing.methods.base import FitRequest
from chainpipe.hashing.methods.chain.build_trainer import make_clips, view_maker
from chainpipe.hashing.methods.chain.cached import add_cached
from chainpipe.hashing.methods.chain.method import CHAIN
from chainpipe.hashing.models.pca_whitening import PcaWhitening, fit_pca_whitening
from chainpipe.hashing.runs.options import TrainOptions
from chainpipe.hashing.runs.train import train
from chainpipe.hashing.training.callbacks import Callbacks
from chainpipe.hashing.views.frame_sources import draw_augmented, gather_views
from chainpipe.hashing.views.view_maker import ViewMaker, Views
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import AugmentationStatistics
from chainpipe.pipeline.store import open_store
from tests.hashing.small import SIZES, TASKS
from tests.hashing.small import small as small_config

MakeStore = Callable[..., Path]
Features = npt.NDArray[np.float32]

N, T, C, V, D = 40, 9, 3, 2, 12
ROWS = torch.arange(N)
PLAIN = ViewMaker(
    mode="segment", length=4, window=4, noise=0, feature_dropout_p=0, frame_dropout_p=0
)
SMALL = {**SIZES, **TASKS, "hash.distill_steps": 5, "optim.epochs": 2}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clips_of(**more: object) -> Clips:
    """Clips whose frame t of video n is the pair (n, t)."""
    frames = torch.cartesian_prod(ROWS, torch.arange(T)).view(N, T, 2).float()
    scenes = torch.arange(T).expand(N, T) // 3
    return Clips(frames, frames.mean(dim=1), torch.ones(2), scenes, **more)  # type: ignore[arg-type]


def made(maker: ViewMaker, clips: Clips, seed: int = 0) -> Views:
    return maker(clips, ROWS, ROWS, generator(seed))


def test_without_switches_a_view_is_the_frames_of_its_places() -> None:
    views = made(PLAIN, clips_of())
    assert torch.equal(views.clips[:, :, 0], views.video_indices[:, None].expand(-1, 4).float())
    assert torch.equal(views.clips[:, :, 1], views.frame_indices.float())
    assert views.frame_mask is None


def test_resampling_changes_places_only() -> None:
    plain, moved = made(PLAIN, clips_of()), made(replace(PLAIN, temporal_jitter=1), clips_of())
    assert not torch.equal(plain.frame_indices, moved.frame_indices)
    assert (plain.frame_indices - moved.frame_indices).abs().max() == 1
    assert torch.equal(moved.clips[:, :, 1], moved.frame_indices.float())


def test_mixing_moves_frames_within_their_scene_only() -> None:
    plain, mixed = made(PLAIN, clips_of()), made(replace(PLAIN, scene_mixup=0.5), clips_of())
    assert torch.equal(plain.frame_indices, mixed.frame_indices)
    assert torch.equal(plain.clips[:, :, 0], mixed.clips[:, :, 0])  # the same video
    away = (mixed.clips[:, :, 1] - plain.clips[:, :, 1]).abs()
    assert 0.9 < away.max() <= 1  # half the way to a frame at most two away
    assert torch.equal(mixed.clips[:, :, 1].round() // 3, (plain.frame_indices // 3).float())


def planted_shift(size: int, *, shared: float = 0.5) -> AugmentationStatistics:
    rng = np.random.default_rng(5)
    return AugmentationStatistics(
        mean=rng.normal(size=size).astype("f4"),
        basis=rng.normal(size=(2, size)).astype("f4"),
        residual=np.full(size, 0.1, "f4"),
        explained=0.9, shared=shared, videos=7, shifts=99, augmentation="grey=1",
        mode="consistent", seed=3,
    )  # fmt: skip


@pytest.mark.parametrize("amount", [0.5, 2.0])
def test_the_shift_has_the_measured_mean_and_covariance_times_the_key(amount: float) -> None:
    measured = planted_shift(2)
    clips = clips_of(shifts=project_shifts(measured, np.eye(2)))
    pairs = [
        (made(PLAIN, clips, seed), made(replace(PLAIN, shift=amount), clips, seed))
        for seed in range(60)
    ]
    moves = torch.cat([(b.clips - a.clips).flatten(0, 1) for a, b in pairs]) / amount
    wanted = measured.basis.T @ measured.basis + np.diag(measured.residual)
    np.testing.assert_allclose(moves.mean(dim=0), measured.mean, atol=0.06)
    np.testing.assert_allclose(np.cov(moves.numpy().T), wanted, rtol=0.08, atol=0.05)


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_the_shared_part_of_a_shift_is_the_same_for_all_frames(shared: float) -> None:
    clips = clips_of(shifts=project_shifts(planted_shift(2, shared=shared), np.eye(2)))
    moves = made(replace(PLAIN, shift=1), clips).clips - made(PLAIN, clips).clips
    assert torch.allclose(moves[:, 0], moves[:, 3], atol=1e-4) == bool(shared)


@given(st.integers(2, 6), st.integers(1, 8), st.booleans(), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_the_two_views_of_a_video_show_different_copies(
    copies: int, frames: int, per_frame: bool, seed: int
) -> None:
    drawn = draw_augmented(
        50,
        num_augmented=copies,
        num_frames=frames if per_frame else None,
        generator=generator(seed),
    )
    assert drawn.shape == (100, frames if per_frame else 1)
    assert drawn.min() >= 0
    assert drawn.max() < copies
    if not per_frame:
        first, second = drawn.chunk(2)
        assert (first != second).all()


def test_every_copy_is_equally_likely_in_both_views() -> None:
    for part in draw_augmented(6000, num_augmented=3, num_frames=None, generator=generator()).chunk(
        2
    ):
        share = torch.bincount(part[:, 0]) / 6000
        torch.testing.assert_close(share, torch.full((3,), 1 / 3), atol=0.02, rtol=0)


def marked(*shape: int) -> Tensor:
    """Numbers that tell every entry apart, (..., 1)."""
    return torch.arange(int(np.prod(shape))).view(*shape, 1).float()


def shown_by_hand(
    frames: Tensor, candidates: Tensor | None, copies: Tensor | None, view: int, slot: int,
    video_indices: Tensor, places: Tensor, drawn: Tensor | None,
) -> set[float]:  # fmt: skip
    """What may stand in a slot of a view."""
    n, t = int(video_indices[view]), int(places[view, slot])
    bases = [frames[n, t]] if candidates is None else list(candidates[n, t])
    if copies is None or drawn is None:
        return {float(base) for base in bases}
    copy = copies[n, int(drawn[view, slot % drawn.shape[1]]), t]
    return {float(base + (copy - frames[n, t])) for base in bases}


@pytest.mark.parametrize("with_candidates", [False, True])
@pytest.mark.parametrize("copies_of", [None, "clip", "frame"])
def test_frames_are_fetched_from_where_they_are_drawn(
    with_candidates: bool, copies_of: str | None
) -> None:
    frames = marked(5, 4)
    candidates = 1000 + marked(5, 4, C) if with_candidates else None
    copies = 3000 + 7 * marked(5, V, 4) if copies_of else None
    video_indices, places = torch.tensor([0, 4, 2, 2]), torch.tensor([[0, 3]] * 4)
    drawn = None
    if copies_of:
        size = 1 if copies_of == "clip" else 2
        drawn = torch.randint(V, (4, size), generator=generator())
    seen: dict[tuple[int, int], set[float]] = {}
    for seed in range(40):
        shown = gather_views(
            frames, candidates, copies,
            video_indices=video_indices, frame_indices=places, augmented_indices=drawn,
            generator=generator(seed),
        )  # fmt: skip
        for view, slot in itertools.product(range(4), range(2)):
            seen.setdefault((view, slot), set()).add(float(shown[view, slot]))
    for (view, slot), values in seen.items():
        assert values == shown_by_hand(
            frames, candidates, copies, view, slot, video_indices, places, drawn
        )


@pytest.fixture
def rich(make_store: MakeStore, planted: Features) -> Path:
    """A store with candidates, copies and statistics."""
    rng = np.random.default_rng(8)
    near = planted[:, :, None] + 0.1 * rng.normal(size=(N, T, C, D))
    copies = planted[:, None] + 0.3 * rng.normal(size=(N, V, 1, D))
    return make_store(
        planted, name="rich.h5", candidates=near, views=copies, augmentation=planted_shift(D)
    )


config_of = partial(small_config, SMALL)


def loaded(path: Path, config: Config, rows: npt.NDArray[np.int64]) -> tuple[Clips, PcaWhitening]:
    with open_store(path) as store:
        frames = TrainingFrames(store, rows)
        pca = fit_pca_whitening(frames.frames_for_covariance(), dims=10, whitening=0.25)
        clips = make_clips(config, pca, frames.project(pca), seed=0)
        return add_cached(config, clips, frames, pca), pca


def test_cached_material_goes_through_the_front_in_the_order_of_the_rows(rich: Path) -> None:
    rows = np.array([3, 4, 30])
    clips, pca = loaded(rich, config_of(views__mode="segment", views__shift=1.0), rows)
    with open_store(rich) as store:
        np.testing.assert_array_equal(clips.candidates, pca(store.candidates(rows)))
        np.testing.assert_array_equal(clips.augmented, pca(store.views(rows)))
        measured = store.augmentation()
    assert measured is not None
    assert clips.shifts is not None
    np.testing.assert_allclose(clips.shifts.mean, measured.mean @ pca.matrix, atol=1e-5)


def test_a_single_copy_is_paired_with_the_clean_frames(
    make_store: MakeStore, planted: Features
) -> None:
    path = make_store(planted, views=planted[:, None] + 1)
    clips, _ = loaded(path, config_of(views__spatial="on"), np.arange(N))
    assert clips.augmented is not None
    assert clips.augmented.shape == (N, 2, T, 10)
    assert torch.equal(clips.augmented[:, 1], clips.frames)


USES = [
    ({}, (False, False, False)),
    ({"views.spatial": "on"}, (False, True, False)),
    ({"views.shift": 0.5}, (False, False, True)),
    ({"views.mode": "segment"}, (True, True, False)),
    ({"views.mode": "segment", "views.spatial": "off"}, (True, False, False)),
    ({"views.mode": "random"}, (False, True, False)),
]


@pytest.mark.parametrize(("changes", "used"), USES)
def test_a_config_uses_the_cached_material_it_asks_for(
    rich: Path, changes: dict[str, object], used: tuple[bool, bool, bool]
) -> None:
    clips, _ = loaded(rich, config_of(**changes), np.arange(N))
    assert tuple(x is not None for x in (clips.candidates, clips.augmented, clips.shifts)) == used


def test_the_papers_shape_uses_candidates_and_copies_and_all_segments(rich: Path) -> None:
    clips, _ = loaded(rich, resolve(paper_config(), Survey(N, 0.5)), np.arange(N))
    assert clips.candidates is not None
    assert clips.augmented is not None
    assert view_maker(paper_config(), T, candidates=True).length == T
    assert view_maker(paper_config(), T).length == T // 2


def test_the_lstm_sees_longer_views() -> None:
    lstm = apply(Config(), {"encoder.kind": "lstm"})
    assert view_maker(lstm, T).length == T // 2 > view_maker(Config(), T).length


def weights_of(path: Path, config: Config) -> dict[str, np.ndarray]:
    with open_store(path) as store:
        request = FitRequest(bits=8, seed=0, device="cpu")
        return CHAIN.fit(config, TrainingFrames(store, np.arange(N)), request).tensors


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_a_store_without_cached_material_trains_as_before_in_every_mode(
    rich: Path, make_store: MakeStore, planted: Features
) -> None:
    bare = make_store(planted)
    assert same(weights_of(bare, config_of()), weights_of(rich, config_of()))
    segment = config_of(views__mode="segment")
    assert not same(weights_of(bare, segment), weights_of(rich, segment))


SWITCHES: list[dict[str, object]] = [
    {"views.temporal_jitter": 1},
    {"views.scene_mixup": 0.5},
    {"views.shift": 1.0},
    {"views.spatial": "on"},
    {"views.spatial": "on", "views.spatial_per_frame": True},
    {"order.shuffle_fraction": 0.5},
    {"order.num_frames": 4},
    {"scene.num_clusters": 2},
]


def test_every_switch_changes_the_weights_reproducibly(rich: Path) -> None:
    found = [weights_of(rich, config_of(**changes)) for changes in [{}, *SWITCHES]]
    for one, other in itertools.combinations(found, 2):
        assert not same(one, other)
    assert same(found[4], weights_of(rich, config_of(**SWITCHES[3])))


def test_what_the_store_lacks_is_refused_with_how_to_get_it(
    make_store: MakeStore, planted: Features, tmp_path: Path
) -> None:
    out = tmp_path / "models" / "m"
    with open_store(make_store(planted)) as store:
        for changes, message, hint in [
            ({"views.spatial": "on"}, "`views.spatial` is `on`", "extract --views"),
            ({"views.shift": 0.5}, r"`views.shift` is 0\.5", "extract --measure-augmentation"),
        ]:
            config = apply(Config(), {**SMALL, **changes})
            with pytest.raises(UsageError, match=message) as caught:
                train(store, TrainOptions(config=config, out=out))
            assert hint in str(caught.value.hint)
    assert not out.parent.exists()


@pytest.mark.parametrize("name", ["candidates", "views"])
def test_cached_material_with_nan_is_refused(
    make_store: MakeStore, planted: Features, name: str
) -> None:
    more = {
        "candidates": np.repeat(planted[:, :, None], C, axis=2),
        "views": np.repeat(planted[:, None], V, axis=1),
    }
    more[name][5, 1, 1, 1] = np.nan
    path = make_store(planted, **more)
    with pytest.raises(UsageError, match=f"NaN or Inf in `{name}`") as caught:
        loaded(path, config_of(views__mode="segment"), np.arange(N))
    assert "views.spatial=off" in str(caught.value.hint)


@pytest.mark.parametrize(
    "changes",
    [
        {"views.num_frames": 10},
        {"views.window": 10},
        {"order.num_frames": 10},
        {"scene.num_clusters": 10},
        {"views.temporal_jitter": 9},
    ],
)
def test_more_frames_than_there_are_is_refused(
    make_store: MakeStore, planted: Features, changes: dict[str, object]
) -> None:
    key, asked = next(iter(changes.items()))
    with pytest.raises(UsageError, match=f"`{key}` is {asked}, but the videos have 9 fr") as caught:
        weights_of(make_store(planted), config_of(**changes))
    assert "at most" in str(caught.value.hint)
    check_frames(config_of(**changes), 10)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_automatic_config_fits_the_shortest_videos(frames: int) -> None:
    check_frames(resolve(Config(), Survey(N, 0.5)), frames)
    assert order_sample_sizes(Config().order, frames) == (frames, frames)


def test_a_shuffle_that_moves_nothing_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"`order.shuffle_fraction` is 0\.1: 1 of 8 frames"
    ) as caught:
        order_sample_sizes(apply(Config(), {"order.shuffle_fraction": 0.1}).order, 25)
    assert "0.25 or more" in str(caught.value.hint)
    assert order_sample_sizes(apply(Config(), {"order.shuffle_fraction": 0.25}).order, 25) == (8, 2)
    assert order_sample_sizes(
        apply(Config(), {"order.shuffle_fraction": 0.5, "order.num_frames": 0}).order, 25
    ) == (25, 12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"views.num_frames": 8, "views.window": 4}, "`views.window` 4 is shorter than"),
        ({"views.shift": 1.0, "input.l2_normalize": True}, "cannot be used with `input.l2_norm"),
    ],
)
def test_keys_that_contradict_each_other_are_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        apply(Config(), changes)
    assert caught.value.hint


def test_other_cached_material_is_another_run(
    rich: Path, make_store: MakeStore, planted: Features, tmp_path: Path
) -> None:
    config = apply(Config(), {**SMALL, "views.mode": "segment", "views.shift": 1.0})
    options = TrainOptions(config=config, out=tmp_path / "m", device="cpu")
    lines: list[str] = []
    with open_store(rich) as store:
        report = train(store, options, Callbacks(log=lines.append))
        used = cached_material(config, TrainingFrames(store, np.arange(N)))
    said = "3 candidates a segment, 2 consistent copies (; seed 0), shifts measured on 7 videos"
    assert report.facts.data["cached"].startswith(said)
    assert any(said in line for line in lines)
    assert (used.candidates, used.augmented, used.shift) == (True, True, True)
    poorer = make_store(planted, name="rich.h5", augmentation=planted_shift(D))
    with open_store(poorer) as store, pytest.raises(UsageError, match="cached: 3 candidates"):
        train(store, options)
