"""Neighbours beside a plain search, and the map beside planted groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from chainpipe.gallery.build import _silent
from chainpipe.gallery.code_map import MapKind, map_points
from chainpipe.gallery.kept_map import FILE, kept_map
from chainpipe.gallery.neighbours import nearest_by_codes, nearest_by_means
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.pipeline.errors import StorageError

RNG = np.random.default_rng(3)


def test_neighbours_by_codes_are_those_of_a_plain_search() -> None:
    bits = RNG.integers(0, 2, (60, 12))
    found = nearest_by_codes(Codes.from_bits(bits), 5)
    for row in range(60):
        far = sorted((int((bits[row] != bits[o]).sum()), o) for o in range(60) if o != row)[:5]
        assert found.rows[row].tolist() == [other for _, other in far]
        assert found.distances[row].tolist() == [distance for distance, _ in far]
    assert found.bits == 12


def test_neighbours_by_means_are_those_of_a_plain_search() -> None:
    means = RNG.normal(size=(300, 7)).astype(np.float32)
    found = nearest_by_means(means, 4)
    centred = (means - means.mean(axis=0)).astype(np.float64)
    for row in (0, 17, 299):
        cosines = [
            float(centred[row] @ one / np.linalg.norm(centred[row]) / np.linalg.norm(one))
            for one in centred
        ]
        best = sorted((1 - c, o) for o, c in enumerate(cosines) if o != row)[:4]
        assert found.rows[row].tolist() == [other for _, other in best]
        assert found.distances[row] == pytest.approx([far for far, _ in best], abs=2e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_videos_have_few_neighbours(count: int) -> None:
    means = RNG.normal(size=(count, 4)).astype(np.float32)
    codes = Codes.from_bits(RNG.integers(0, 2, (max(count, 1), 4)))[:count]
    for found in (nearest_by_means(means, 9), nearest_by_codes(codes, 9)):
        assert found.rows.shape == (count, max(0, count - 1))
    assert map_points(means, MapKind.TSNE).shape == (count, 2)


@pytest.mark.parametrize("kind", MapKind)
def test_the_map_keeps_planted_groups_together(kind: MapKind) -> None:
    group = np.arange(60) % 3
    values = (np.eye(3)[group] * 9 + RNG.normal(size=(60, 3))).astype(np.float32)
    points = map_points(values, kind)
    assert points.min() == 0
    assert points.max() == 1
    far = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(60)
    assert (group[far.argmin(axis=1)] == group).all()
    assert np.array_equal(points, map_points(values, kind))


def test_equal_videos_lie_at_one_place() -> None:
    assert (map_points(np.ones((20, 5), np.float32), MapKind.TSNE) == 0.5).all()


def test_a_kept_map_is_made_anew_for_other_values_only(tmp_path: Path) -> None:
    made: list[str] = []

    def progress(what: str, total: int | None) -> nullcontext[Callable[[int], None]]:
        made.append(what)
        return nullcontext(lambda steps: None)

    values = RNG.normal(size=(12, 3)).astype(np.float32)
    first = kept_map(tmp_path, values, MapKind.PCA, progress)
    assert np.array_equal(kept_map(tmp_path, values, MapKind.PCA, progress), first)
    assert made == ["map"]
    kept_map(tmp_path, values, MapKind.TSNE, progress)
    kept_map(tmp_path, values + 1, MapKind.TSNE, progress)
    assert made == ["map"] * 3
    (tmp_path / FILE).write_text(json.dumps({"key": None}))  # garbled: as if there were none
    kept_map(tmp_path, values, MapKind.PCA, progress)
    assert made == ["map"] * 4


def test_a_map_that_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        kept_map(tmp_path / "gone", np.ones((3, 2), np.float32), MapKind.PCA, _silent)
