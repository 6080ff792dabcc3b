"""Re-ranking by cosine against a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.retrieval.asymmetric import STEP
from chainpipe.hashing.retrieval.rerank import FARTHEST, cosine_steps, rerank, sample_centre


def test_it_sorts_by_cosine_of_centred_features() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(50, 6)).astype(np.float32) + 3
    centre = means.mean(axis=0)
    read: list[int] = []

    def means_of(rows: np.ndarray) -> np.ndarray:
        read.extend(rows.tolist())
        return means[rows]

    rows = rng.permutation(50)[:20]
    distances, found = rerank(means[0], rows, means_of, centre)
    shifted = means.astype(float) - centre
    unit = shifted / np.linalg.norm(shifted, axis=1, keepdims=True)
    expected = {int(row): 1 - unit[0] @ unit[row] for row in rows}
    assert found.tolist() == sorted(expected, key=lambda row: expected[row])
    np.testing.assert_allclose(distances, sorted(expected.values()), atol=STEP)
    assert sorted(read) == sorted(rows.tolist())  # no other row is read


def test_equal_cosines_are_ordered_by_row() -> None:
    means = np.ones((5, 2), np.float32) * np.arange(1, 6, dtype=np.float32)[:, None]
    centre = np.zeros(2, np.float32)
    assert rerank(means[0], np.array([4, 1, 3]), lambda r: means[r], centre)[1].tolist() == [
        1,
        3,
        4,
    ]


def test_a_video_at_the_centre_has_distance_1_and_an_opposite_one_2() -> None:
    answers = np.array([[0.0, 0.0], [-3.0, 0.0], [2.0, 0.0]], np.float32)
    steps = cosine_steps(np.array([1.0, 0.0], np.float32), answers, np.zeros(2, np.float32))
    assert steps.tolist() == [10_000, FARTHEST, 0]


@pytest.mark.parametrize("videos", [1, 7, 1000, 1001, 5000])
def test_the_centre_is_a_mean_of_evenly_spaced_videos(videos: int) -> None:
    asked: list[np.ndarray] = []

    def means_of(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return rows[:, None].astype(np.float32)

    centre = sample_centre(means_of, videos)
    assert len(asked[0]) == len(set(asked[0].tolist())) == min(videos, 1000)
    assert 0 <= asked[0].min() <= asked[0].max() < videos
    assert centre[0] == pytest.approx((videos - 1) / 2, abs=videos / 400)
