"""Spatial views: one draw a clip, same seed same pixels, and each step done by hand."""

import colorsys
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from chainpipe.pipeline.augment import (
    MODES,
    Augmentation,
    AugmentationParameters,
    draw_parameters,
    make_views,
)
from chainpipe.pipeline.augment.views import colour_matrix

Pixels = npt.NDArray[np.uint8]
PLAIN = "scale=1,1 aspect=1,1 flip=0 jitter=0 grey=0 blur=0"


def picture(height: int = 60, width: int = 90, seed: int = 0) -> Pixels:
    """A smooth random picture: noise of 6 x 9 blown up."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def views_of(
    *frames: Pixels, count: int = 1, mode: str = "consistent", parameters: str = "", seed: int = 0,
    size: int = 32,
) -> Pixels:  # fmt: skip
    return make_views(frames, count=count, mode=mode, parameters=parameters, seed=seed, size=size)


def test_a_still_clip_stays_still_within_a_consistent_view() -> None:
    views = views_of(*[picture()] * 4, count=20)
    assert views.shape == (20, 4, 32, 32, 3)
    assert (views == views[:, :1]).all()
    assert len({view.tobytes() for view in views}) == 20


def test_a_still_clip_moves_within_a_per_frame_view() -> None:
    views = views_of(*[picture()] * 4, count=5, mode="per-frame")
    assert len({frame.tobytes() for view in views for frame in view}) == 20


def test_a_consistent_view_keeps_what_moves_between_frames() -> None:
    marked = [picture().copy() for _ in range(3)]
    for at, frame in enumerate(marked):
        frame[:, 30 * at : 30 * at + 30] = 0
    view = views_of(*marked, parameters=PLAIN)[0]
    assert not np.array_equal(view[0], view[1])
    assert not np.array_equal(view[1], view[2])


@pytest.mark.parametrize("mode", MODES)
@given(seed=st.integers(0, 2**63), count=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_a_view_depends_on_seed_and_number_but_not_on_count(
    mode: str, seed: int, count: int
) -> None:
    clip = [picture(seed=1), picture(seed=2)]
    more = views_of(*clip, count=3, seed=seed, mode=mode)
    np.testing.assert_array_equal(more[:count], views_of(*clip, count=count, seed=seed, mode=mode))
    assert not np.array_equal(more, views_of(*clip, count=3, seed=seed + 1, mode=mode))


@pytest.mark.parametrize("mode", MODES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_another_size_shows_the_same_view(mode: str, seed: int) -> None:
    clip = [picture(240, 360, seed=1), picture(240, 360, seed=2)]
    large, small = (views_of(*clip, seed=seed, mode=mode, size=s) for s in (128, 32))
    shrunk = large.reshape(1, 2, 32, 4, 32, 4, 3).mean(axis=(3, 5))
    assert np.abs(shrunk - small).mean() < 4


def test_a_larger_decode_shows_the_same_view() -> None:
    large = picture(240, 360)
    small = np.asarray(Image.fromarray(large).resize((180, 120), Image.Resampling.BOX))
    for seed in range(10):
        one, other = (views_of(f, seed=seed).astype(int) for f in (large, small))
        assert np.abs(one - other).mean() < 3


def test_the_whole_frame_is_resized_as_pillow_does() -> None:
    square = picture(90, 90)
    by_hand = Image.fromarray(square).resize((32, 32), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(views_of(square, parameters=PLAIN)[0, 0], np.asarray(by_hand))


def test_a_crop_is_the_area_average_of_its_box() -> None:
    ramp = np.zeros((100, 100, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(100) * 2, np.arange(100)[:, None] * 2
    augmentation = Augmentation.parse("scale=0.3,0.6 flip=0 jitter=0 grey=0 blur=0")
    for seed in range(10):
        generator = np.random.default_rng([seed, 0])
        left, top, right, bottom = draw_parameters(augmentation, aspect=1, generator=generator).box
        view = views_of(ramp, parameters=augmentation.line(), seed=seed, size=20)[0, 0]
        centres = (np.arange(20) + 0.5) / 20
        across = 2 * (100 * (left + centres * (right - left)) - 0.5)
        down = 2 * (100 * (top + centres * (bottom - top)) - 0.5)
        np.testing.assert_allclose(view[5:15, 5:15, 0], np.tile(across[5:15], (10, 1)), atol=1.1)
        np.testing.assert_allclose(view[5:15, 5:15, 1], np.tile(down[5:15], (10, 1)).T, atol=1.1)


def test_a_flip_mirrors_and_nothing_else() -> None:
    flipped = PLAIN.replace("flip=0", "flip=1")
    one, other = (views_of(picture(90, 90), parameters=p)[0, 0] for p in (PLAIN, flipped))
    np.testing.assert_array_equal(other, one[:, ::-1])


def test_grey_is_luma() -> None:
    plain = views_of(picture(), parameters=PLAIN)[0, 0]
    grey = views_of(picture(), parameters=PLAIN.replace("grey=0", "grey=1"))[0, 0]
    luma = plain @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey, np.repeat(luma[..., None], 3, 2), atol=1)


@pytest.mark.parametrize("sigma", [0.7, 1.5, 4.0])
def test_blur_is_a_gaussian_of_its_sigma(sigma: float) -> None:
    plain = views_of(picture(), parameters=PLAIN, size=112)[0, 0]
    parameters = PLAIN.replace("blur=0", f"blur=1 sigma={sigma},{sigma}")
    blurred = views_of(picture(), parameters=parameters, size=112)[0, 0]
    offsets = np.arange(-12, 13)
    weights = np.exp(-0.5 * (offsets / (sigma / 2)) ** 2)  # 112 is half of 224
    by_hand = plain.astype(float)
    for axis in (0, 1):
        pad = [(12, 12) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(by_hand, pad, mode="edge")
        shifted = [np.take(padded, range(k, k + 112), axis=axis) for k in range(25)]
        by_hand = np.average(shifted, axis=0, weights=weights)
    assert np.abs(blurred - by_hand).mean() < 0.6


def jittered_by_hand(
    pixel: tuple[float, ...], draw: AugmentationParameters, grey: float
) -> list[float]:
    """Brightness, contrast, saturation and hue one after the other, in Python's own YIQ."""
    bright = [c * draw.brightness for c in pixel]
    mean = grey * draw.brightness
    contrasted = [mean + (c - mean) * draw.contrast for c in bright]
    luma = sum(w * c for w, c in zip((0.299, 0.587, 0.114), contrasted, strict=True))
    saturated = [luma + (c - luma) * draw.saturation for c in contrasted]
    y, i, q = np.array(COLORSYS_YIQ) @ saturated
    angle = 2 * math.pi * draw.hue
    turned = (
        y, i * math.cos(angle) - q * math.sin(angle), i * math.sin(angle) + q * math.cos(angle)
    )  # fmt: skip
    return list(np.linalg.inv(np.array(COLORSYS_YIQ)) @ turned)


COLORSYS_YIQ = np.array([colorsys.rgb_to_yiq(*unit) for unit in np.eye(3)]).T


@given(
    st.tuples(*[st.integers(0, 255)] * 3), st.floats(0.2, 1.8), st.floats(0.2, 1.8),
    st.floats(0.2, 1.8), st.floats(-0.5, 0.5),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_colour_matrix_is_the_four_steps_in_turn(
    pixel: tuple[int, ...], brightness: float, contrast: float, saturation: float, hue: float
) -> None:
    draw = AugmentationParameters(
        brightness=brightness, contrast=contrast, saturation=saturation, hue=hue
    )
    matrix = colour_matrix(draw, np.full(3, 100.0))
    ours = np.reshape(matrix or np.eye(3, 4), (3, 4)) @ [*pixel, 1]
    np.testing.assert_allclose(ours, jittered_by_hand(pixel, draw, 100.0), atol=8)


def test_jittered_pixels_are_the_matrix_rounded_and_clipped() -> None:
    parameters = PLAIN.replace("jitter=0", "jitter=1")
    augmentation = Augmentation.parse(parameters)
    clip = [picture(60, 60, seed=1), picture(60, 60, seed=2)]
    plain = views_of(*clip, parameters=PLAIN)[0]
    for seed in range(5):
        draw = draw_parameters(augmentation, aspect=1, generator=np.random.default_rng([seed, 0]))
        matrix = np.reshape(colour_matrix(draw, plain[:, ::4, ::4].mean(axis=(0, 1, 2))), (3, 4))
        by_hand = np.clip(plain @ matrix[:, :3].T + matrix[:, 3], 0, 255)
        view = views_of(*clip, parameters=parameters, seed=seed)[0]
        np.testing.assert_allclose(view, by_hand, atol=0.51)


def test_a_hue_of_a_third_of_the_circle_turns_red_towards_green_or_blue() -> None:
    matrix = np.reshape(colour_matrix(AugmentationParameters(hue=1 / 3), np.zeros(3)), (3, 4))
    assert (matrix @ [200, 0, 0, 1]).argmax() != 0
    np.testing.assert_allclose(matrix @ [90, 90, 90, 1], 90, atol=0.5)  # grey has no hue


def test_the_chances_are_the_asked_ones() -> None:
    augmentation = Augmentation(flip=0.3, jitter=0.6, grey=0.1, blur=0.8)
    generator = np.random.default_rng(0)
    draws = [draw_parameters(augmentation, aspect=16 / 9, generator=generator) for _ in range(4000)]
    share = {
        "flip": np.mean([d.flip for d in draws]),
        "jitter": np.mean([d.brightness != 1 for d in draws]),
        "grey": np.mean([d.saturation == 0 for d in draws]),
        "blur": np.mean([d.sigma > 0 for d in draws]),
    }
    assert all(abs(share[name] - getattr(augmentation, name)) < 0.03 for name in share)


@given(
    seed=st.integers(0, 2**32), aspect=st.floats(0.05, 20), low=st.floats(0.001, 1),
    shape=st.floats(0.1, 1),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_crop_lies_within_the_frame_and_within_its_ranges(
    seed: int, aspect: float, low: float, shape: float
) -> None:
    augmentation = Augmentation(scale=(low, 1.0), aspect=(shape, 1 / shape))
    draw = draw_parameters(augmentation, aspect=aspect, generator=np.random.default_rng(seed))
    left, top, right, bottom = draw.box
    assert 0 <= left < right <= 1 + 1e-9
    assert 0 <= top < bottom <= 1 + 1e-9
    proportion = (right - left) / (bottom - top) * aspect
    assert shape * 0.999 < proportion < 1.001 / shape


def test_turning_one_step_off_leaves_the_other_draws_as_they_are() -> None:
    full = Augmentation(flip=1, jitter=1, grey=0, blur=1)
    for off in ("flip", "jitter", "blur"):
        one, other = (
            draw_parameters(a, aspect=1.5, generator=np.random.default_rng(3))
            for a in (full, replace(full, **{off: 0.0}))
        )
        assert one.box == other.box
        assert (off == "blur") == (one.sigma != other.sigma)


fractions = st.floats(0, 1)
ranges = st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)).map(lambda pair: tuple(sorted(pair)))


@given(st.builds(
    Augmentation, scale=ranges, aspect=ranges, sigma=ranges, flip=fractions, jitter=fractions,
    brightness=fractions, contrast=fractions, saturation=fractions, hue=st.floats(0, 0.5),
    grey=fractions, blur=fractions,
))  # fmt: skip
def test_a_line_reads_back_as_the_very_same_parameters(augmentation: Augmentation) -> None:
    assert Augmentation.parse(augmentation.line()) == augmentation
    assert "\n" not in augmentation.line()


def test_an_empty_line_means_the_defaults() -> None:
    assert Augmentation.parse("") == Augmentation()
    assert Augmentation.parse("grey=1") == Augmentation(grey=1.0)
    assert Augmentation().aspect[1] == float(Fraction(4, 3))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gray=0.2", r"`gray=0.2` is unknown; there are `scale`"),
        ("flip", "`flip` is not of the form `flip=number`"),
        ("flip=yes", "`flip=yes` is not of the form"),
        ("flip=0,1", "`flip=0,1` is not of the form"),
        ("scale=0.5", "`scale=0.5` is not of the form `scale=low,high`"),
        ("grey=0 grey=1", "`grey=1` comes twice"),
        ("flip=1.5", "`flip=1.5` is not within 0 to 1"),
        ("blur=nan", "`blur=nan` is not within"),
        ("hue=0.6", "`hue=0.6` is not within 0 to 0.5"),
        ("scale=0.5,0.2", "`scale=0.5,0.2` is not within"),
        ("scale=0,1", "`scale=0.0,1.0` is not within"),
        ("aspect=1,inf", "`aspect=1.0,inf` is not within"),
        ("sigma=-1,1", "`sigma=-1.0,1.0` is not within"),
    ],
)
def test_a_bad_part_of_a_line_is_named(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        views_of(picture(), parameters=line)


def test_a_bad_mode_seed_or_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="no views mode `steady`"):
        views_of(picture(), mode="steady")
    with pytest.raises(ValueError, match="no frames"):
        views_of()
    with pytest.raises(ValueError, match="non-negative"):
        views_of(picture(), seed=-1)
