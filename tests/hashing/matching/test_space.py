"""The space of the check: half-whitened, the same for the same seed, for any library."""

from __future__ import annotations

import numpy as np
import pytest

import chainpipe
from chainpipe.hashing.matching.space import FrameSpace, unit


def test_the_variance_of_a_direction_is_the_root_of_what_it_was() -> None:
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((4000, 6)) * np.array([8, 4, 2, 1, 0.5, 0.25])
    space = FrameSpace.fit([frames])
    values = np.linalg.eigvalsh(np.cov(frames.T))[::-1]
    mapped = (frames - space.mean) @ space.directions
    np.testing.assert_allclose(mapped.var(axis=0), np.sqrt(values), rtol=0.1)
    assert space.variance == pytest.approx(np.sqrt(values).sum(), rel=0.02)


@pytest.mark.parametrize("dim", [3, 300])
def test_it_has_at_most_256_directions_and_unit_vectors(dim: int) -> None:
    frames = np.random.default_rng(0).standard_normal((2500, dim))
    space = FrameSpace.fit([frames], frames=2400)
    assert space.size == min(dim, 256)
    np.testing.assert_allclose(np.linalg.norm(space.project(frames), axis=1), 1, rtol=1e-5)


def test_a_sample_of_many_videos_is_the_same_for_the_same_seed() -> None:
    videos = [np.random.default_rng(seed).standard_normal((5, 7, 4)) for seed in range(40)]
    one, other, third = (FrameSpace.fit(iter(videos), seed=s, frames=100) for s in (0, 0, 1))
    np.testing.assert_array_equal(one.directions, other.directions)
    assert not np.array_equal(one.mean, third.mean)


def test_equal_frames_and_two_videos_do_no_harm() -> None:
    space = FrameSpace.fit([np.ones((4, 5))])
    assert np.isfinite(space.project(np.ones((2, 5)))).all()
    two = FrameSpace.fit(np.random.default_rng(0).standard_normal((2, 25, 64)))
    assert two.size == 48


def test_no_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="no frames"):
        FrameSpace.fit([])
    assert unit(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_a_store_gives_the_space_of_its_frames() -> None:
    features = np.random.default_rng(0).standard_normal((30, 8, 12)).astype(np.float32)
    store = chainpipe.store_from_arrays(features)
    space = FrameSpace.of_store(store.raw)
    expected = FrameSpace.fit([features])
    np.testing.assert_allclose(space.mean, expected.mean, atol=1e-5)
