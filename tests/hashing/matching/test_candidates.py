"""Candidates and the filter: compared with all pairs, one by one."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.matching import quick_filter
from chainpipe.hashing.matching.candidates import pairs_by_codes, pairs_by_vectors
from chainpipe.hashing.matching.quick_filter import SURE, likely, line_scores, moving
from chainpipe.hashing.matching.space import unit

from .sequences import path, seen


def nearest_by_hand(distances: np.ndarray, nearest: int, radius: float) -> set[tuple[int, int]]:
    found = set()
    for i, row in enumerate(distances):
        others = sorted((d, j) for j, d in enumerate(row) if j != i)
        found |= {(min(i, j), max(i, j)) for d, j in others[:nearest]}
        found |= {(min(i, j), max(i, j)) for d, j in others if d <= radius}
    return found


def test_pairs_by_codes_are_the_nearest_and_those_within_the_radius() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (40, 8), np.uint8)
    bits = np.unpackbits(codes, axis=1).astype(int)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    found = {tuple(pair) for pair in pairs_by_codes(codes, nearest=3, radius=24).tolist()}
    by_hand = nearest_by_hand(distances, 0, 24)
    assert by_hand <= found
    # Of equal distances any may be the third nearest.
    for i, j in found - by_hand:
        nearer = [(distances[row] < distances[i, j]).sum() for row in (i, j)]
        assert min(nearer) <= 3
    for i in range(40):
        assert sum(i in pair for pair in found) >= 3


def test_pairs_by_vectors_are_the_nearest() -> None:
    vectors = unit(np.random.default_rng(0).standard_normal((30, 6)))
    found = {tuple(pair) for pair in pairs_by_vectors(vectors, nearest=4).tolist()}
    assert found == nearest_by_hand(-(vectors @ vectors.T), 4, -9)


def test_pairs_of_two_libraries_are_one_of_each() -> None:
    rng = np.random.default_rng(0)
    codes, others = rng.integers(0, 256, (5, 8), np.uint8), rng.integers(0, 256, (7, 8), np.uint8)
    pairs = pairs_by_codes(codes, others, nearest=2, radius=0)
    assert len(pairs) == 10
    assert set(pairs[:, 0].tolist()) == set(range(5))
    assert pairs[:, 1].max() < 7


@pytest.mark.parametrize("count", [0, 1])
def test_a_library_of_one_has_no_pairs(count: int) -> None:
    assert pairs_by_codes(np.zeros((count, 8), np.uint8)).shape == (0, 2)
    assert pairs_by_vectors(np.zeros((count, 8), np.float32)).shape == (0, 2)


def test_the_filter_keeps_copies_and_drops_most_strangers() -> None:
    films = [path(12, seed=seed) for seed in range(30)]
    videos = [seen(film, seconds=10, seed=k) for k, film in enumerate(films)]
    videos += [seen(film, start=0.8, seconds=8, seed=99 + k) for k, film in enumerate(films)]
    moved = moving(np.stack([video.features for video in videos]))
    pairs = np.stack(np.triu_indices(60, 1), axis=1)
    kept = {tuple(pair) for pair in likely(moved, pairs).tolist()}
    assert {(k, k + 30) for k in range(30)} <= kept
    assert len(kept) < len(pairs) / 3
    assert len(likely(moved, pairs, least=-1.0)) == len(pairs)


def test_a_large_library_checks_the_best_pairs_of_each_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frames = np.stack([seen(path(10, seed=seed)).features for seed in range(20)])
    moved, pairs = moving(frames), np.stack(np.triu_indices(20, 1), axis=1)
    monkeypatch.setattr(quick_filter, "MOST", 40)  # two of each video
    scores = line_scores(moved, pairs)
    kept = likely(moved, pairs, least=-1.0)
    wanted = set(np.flatnonzero(scores >= SURE).tolist())
    for row in range(20):
        for column in (0, 1):
            own = np.flatnonzero(pairs[:, column] == row)
            wanted |= set(own[np.argsort(-scores[own], kind="stable")[:2]].tolist())
    assert kept.tolist() == pairs[sorted(wanted)].tolist()


def test_a_shift_of_all_frames_changes_no_score() -> None:
    films = [seen(path(10, seed=seed)).features for seed in range(6)]
    frames = np.stack(films)
    pairs = np.stack(np.triu_indices(6, 1), axis=1)
    one = line_scores(moving(frames), pairs)
    other = line_scores(moving(frames + 0.5), pairs)
    np.testing.assert_allclose(one, other, atol=5e-3)
