"""Movement: what all frames share has no part in it; cuts alone do not make a copy."""

from __future__ import annotations

import numpy as np
import pytest

from chainpipe.hashing.matching.movement import limited, movement_of


def even_by_hand(a: np.ndarray, b: np.ndarray) -> float:
    """The correlation of changes over two frames, in loops."""
    changes = [[v[k + 2] - v[k] for k in range(len(v) - 2)] for v in (a, b)]
    for side in changes:
        middle = np.median([np.linalg.norm(change) for change in side])
        for k, change in enumerate(side):
            size = np.linalg.norm(change)
            side[k] = change * min(1.0, middle / size)
    product = sum(float(x @ y) for x, y in zip(*changes, strict=True))
    sizes = [sum(float(x @ x) for x in side) for side in changes]
    return product / float(np.sqrt(sizes[0] * sizes[1]))


def test_even_agrees_with_loops() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((12, 5))
    b = a + rng.standard_normal((12, 5))
    assert movement_of([(a, b)]).even == pytest.approx(even_by_hand(a, b))


def test_a_constant_vector_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    a, b, shift = rng.standard_normal((12, 5)), rng.standard_normal((12, 5)), rng.standard_normal(5)
    one, other = movement_of([(a, b)]), movement_of([(a, b + 10 * shift)])
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_a_gap_between_runs_is_no_change() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((12, 5))
    moved = movement_of([(a[:6], a[:6]), (a[6:] + 100, a[6:])])
    assert moved.step == pytest.approx(1)
    assert moved.even == pytest.approx(1)


def test_equal_cuts_alone_are_told_by_what_is_within_them() -> None:
    rng = np.random.default_rng(0)
    scenes = np.repeat(rng.standard_normal((5, 40)) * 3, 5, axis=0)
    a, b = (scenes + 0.3 * rng.standard_normal((25, 40)) for _ in range(2))
    takes, copies = movement_of([(a, b)]), movement_of([(a, a)])
    assert takes.dyn > 0.9
    assert takes.cuts == copies.cuts == 4
    assert abs(takes.inner) < 0.2 < copies.inner
    assert takes.even < 0.75 < copies.even


def test_nothing_that_moves_gives_zeros() -> None:
    still = np.ones((6, 4))
    moved = movement_of([(still, still)])
    assert moved[:4] == (0.0, 0.0, 0.0, 0.0)
    assert limited(np.empty((0, 4))).shape == (0, 4)
