"""Pixel-level proof: a planted crop, flip and border are found; another take is not a copy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from chainpipe.hashing.matching.pixels import PROVED, GreyPictures, prove
from chainpipe.hashing.matching.records import AlignedRun

WHOLE = (AlignedRun(0.0, 5.0, 0.0, 5.0, 1.0),)


def scene(seed: int, take: int, size: tuple[int, int] = (64, 86)) -> np.ndarray:
    """A textured background of a scene, and four spots that move over it in one take."""
    rng, moves = np.random.default_rng(seed), np.random.default_rng(1000 + take)
    ground = gaussian_filter(rng.uniform(0, 255, size), 3) * 2 - 127
    y, x = np.mgrid[: size[0], : size[1]]
    places = moves.uniform(8, 50, (4, 2)) + moves.uniform(-2, 2, (30, 4, 2)).cumsum(axis=0)
    frames = []
    for spots in places:
        light = sum(np.exp(-((y - p) ** 2 + (x - q) ** 2) / 40) for p, q in spots)
        frames.append(np.clip(ground + 90 * light + moves.normal(0, 2, size), 0, 255))
    return np.stack(frames)


def pictures(frames: np.ndarray) -> GreyPictures:
    """Frames at six a second."""
    return GreyPictures(
        np.clip(frames, 0, 255).astype(np.uint8), (np.arange(len(frames)) + 0.5) / 6
    )


def bordered(frames: np.ndarray) -> np.ndarray:
    """The frames, smaller, within a blurred copy of themselves."""
    out = np.stack([gaussian_filter(frame, 5) * 0.7 for frame in frames])
    small = zoom(frames, (1, 0.75, 0.75), order=1)
    top, left = ((a - b) // 2 for a, b in zip(out.shape[1:], small.shape[1:], strict=True))
    out[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return out


@pytest.mark.parametrize(
    ("edit", "scale", "mirrored"),
    [
        (lambda f: f * 0.8 + 30, 1.0, False),
        (lambda f: f[:, :, ::-1], 1.0, True),
        (lambda f: f[:, 6:54, 12:76], 64 / 48, False),
        (bordered, 0.75, False),
    ],
)
def test_a_planted_edit_is_found(edit, scale: float, mirrored: bool) -> None:
    frames = scene(1, take=1)
    proof = prove(pictures(frames), pictures(edit(frames)), WHOLE)
    assert proof is not None
    assert proof.correlation > PROVED
    assert proof.scale == pytest.approx(scale, rel=0.08)
    assert proof.mirrored is mirrored


def test_another_take_of_the_scene_is_no_copy() -> None:
    proof = prove(pictures(scene(1, take=1)), pictures(scene(1, take=2)), WHOLE)
    assert proof is not None
    assert proof.correlation < PROVED / 2


def test_both_ways_say_the_same() -> None:
    a, b = pictures(scene(1, take=1)), pictures(scene(1, take=1)[:, 4:60, 5:80])
    one, other = prove(a, b, WHOLE), prove(b, a, WHOLE)
    assert one is not None
    assert other is not None
    assert one.correlation == pytest.approx(other.correlation, abs=0.1)
    assert one.scale * other.scale == pytest.approx(1, abs=0.1)


def test_too_few_moments_prove_nothing() -> None:
    a = pictures(scene(1, take=1)[:3])
    assert prove(a, a, WHOLE) is None
    still = pictures(np.repeat(scene(1, take=1)[:1], 20, axis=0))
    proof = prove(still, still, WHOLE)
    assert proof is None or proof.correlation < PROVED
