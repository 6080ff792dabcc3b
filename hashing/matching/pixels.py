"""Pixel-level proof: do two aligned videos change alike, place by place, crop and flip found?

What changes from one moment to a later one has no part of what stands still: background, logo, bars
and captions. Where it agrees in scale, place and time, one video is a copy of the other; two takes
of a scene agree in the background only.

Scale and place are found by cross-correlation in the Fourier domain, normalized by the energy of
what overlaps: Lewis, Fast template matching, Vision Interface 1995.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.ndimage import zoom

from .records import F32, F64, AlignedRun

SIDE = 40  # pixels of the shorter side in which the place is found and changes are compared
COARSE = 20  # the same where scale and flip are looked for
SCALES = tuple(float(s) for s in np.exp(np.arange(-6, 7) * 0.075))
FINER = (0.963, 1.0, 1.038)  # scales that are tried around the best ones
OVERLAP = 0.5  # part of the smaller picture that overlaps at least
ENERGY = 0.1  # part of all change that lies there at least
MOMENTS = 32  # at most so many changes are compared
ROUGH = 12  # the same where scale and flip are looked for
APART = 0.33  # seconds over which a picture changes: shorter ones are a codec's noise
PROVED = 0.6  # correlation times the aligned share from which two videos are copies
_FEWEST = 4  # changes

Pictures = npt.NDArray[np.uint8]
Spectrum = npt.NDArray[np.complexfloating]


@dataclass(frozen=True, slots=True, eq=False)
class GreyPictures:
    """Small grey pictures of a video: four to ten a second are enough.

    Attributes:
        pixels: Whole pictures in their own aspect, 0 to 255, (T, H, W).
        seconds: When each is shown, (T,), ascending.
    """

    pixels: Pictures
    seconds: F64


@dataclass(frozen=True, slots=True)
class PixelProof:
    """How well what changes in two videos agrees.

    Attributes:
        correlation: Of the changes where the pictures overlap, -1 to 1.
        scale: Size of the first video's content in the second one, in its shorter sides.
        overlap: Part of the smaller picture that overlaps.
        mirrored: Whether the second is the first's mirror image.
        moments: How many changes were compared.
    """

    correlation: float
    scale: float
    overlap: float
    mirrored: bool
    moments: int


def prove(a: GreyPictures, b: GreyPictures, runs: tuple[AlignedRun, ...]) -> PixelProof | None:
    """Compare what changes in two videos along an alignment of them.

    Args:
        a: The first video.
        b: The second one.
        runs: Where and when both show the same, if they do.

    Returns:
        ``None`` where fewer than four changes are shown by both.
    """
    moments = [_moments(a, b, run) for run in runs]
    changes_a = _changes(a.pixels, [pair[0] for pair in moments])
    changes_b = _changes(b.pixels, [pair[1] for pair in moments])
    if len(changes_a) < _FEWEST:
        return None
    some = _spread(len(changes_a), ROUGH)
    rough_a, rough_b = _small(changes_a[some], COARSE), _small(changes_b[some], COARSE)
    tried = [
        (found.correlation, mirrored, scale)
        for mirrored in (False, True)
        for scale in SCALES
        if (found := _correlate(rough_a, rough_b, scale, mirrored=mirrored)) is not None
    ]
    fine_a, fine_b = _small(changes_a, SIDE), _small(changes_b, SIDE)
    fine = [
        found
        for _, mirrored, scale in sorted(tried, reverse=True)[:2]
        for finer in FINER
        if (found := _correlate(fine_a, fine_b, scale * finer, mirrored=mirrored)) is not None
    ]
    return max(fine, key=lambda found: found.correlation, default=None)


def _spread(count: int, most: int) -> npt.NDArray[np.int64]:
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def _moments(
    a: GreyPictures, b: GreyPictures, run: AlignedRun
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return pictures of the first video in a run, and the nearest ones of the second, (n, 2) each.

    Each row is a picture and a later one.
    """
    inside = np.flatnonzero((a.seconds >= run.a_start) & (a.seconds <= run.a_end))
    wanted = run.b_start + run.speed * (a.seconds[inside] - run.a_start)
    near = np.abs(b.seconds[:, None] - wanted).argmin(axis=0)
    step = np.diff(a.seconds).mean() if len(a.seconds) > 1 else APART
    lag = max(1, round(APART / max(float(step), 1e-6)))
    return (
        np.column_stack([inside[:-lag], inside[lag:]]),
        np.column_stack([near[:-lag], near[lag:]]),
    )


def _changes(pixels: Pictures, moments: list[npt.NDArray[np.int64]]) -> F32:
    """Return what changes between pictures, (n, H, W); none counts more than the median one."""
    every = np.concatenate(moments)
    every = every[_spread(len(every), MOMENTS)] if len(every) else every
    pictures = pixels.astype(np.float32)
    left = pictures[every[:, 1]] - pictures[every[:, 0]]
    if not len(left):
        return left
    left -= left.mean(axis=(1, 2), keepdims=True)  # fades and flicker
    size = np.sqrt(np.square(left).mean(axis=(1, 2), keepdims=True))
    return np.asarray(left * np.minimum(1, np.median(size) / np.maximum(size, 1e-3)), np.float32)


def _small(pictures: F32, side: int) -> F32:
    return _scaled(pictures, side / min(pictures.shape[1:]))


def _scaled(pictures: F32, factor: float) -> F32:
    scaled = zoom(pictures, (1, factor, factor), order=1, grid_mode=True, mode="nearest")
    return np.asarray(scaled, np.float32)


def _correlate(a: F32, b: F32, scale: float, *, mirrored: bool) -> PixelProof | None:
    """Return the best correlation over all places of ``b``, scaled and mirrored."""
    b = _scaled(b[:, :, ::-1] if mirrored else b, scale)
    (_, ha, wa), (_, hb, wb) = a.shape, b.shape
    shape = fft.next_fast_len(ha + hb - 1, real=True), fft.next_fast_len(wa + wb - 1, real=True)

    def spectrum(pictures: F32) -> Spectrum:
        return np.asarray(fft.rfft2(pictures, shape))

    def crossed(left: Spectrum, right: Spectrum) -> F32:
        return np.asarray(fft.irfft2(left * right.conj(), shape), np.float32)

    ones_a = spectrum(np.ones((ha, wa), np.float32))
    ones_b = spectrum(np.ones((hb, wb), np.float32))
    energy_a, energy_b = np.square(a).sum(axis=0), np.square(b).sum(axis=0)
    inside_a = crossed(spectrum(energy_a), ones_b)
    inside_b = crossed(ones_a, spectrum(energy_b))
    area, smaller = crossed(ones_a, ones_b), min(ha * wa, hb * wb)
    enough = area >= OVERLAP * smaller
    enough &= inside_a >= ENERGY * energy_a.sum()
    enough &= inside_b >= ENERGY * energy_b.sum()
    if not enough.any():
        return None
    both = fft.irfft2((spectrum(a) * spectrum(b).conj()).sum(axis=0), shape)
    size = np.sqrt(np.maximum(inside_a, 1e-3) * np.maximum(inside_b, 1e-3))
    found = np.where(enough, both / size, -1)
    at = int(found.argmax())
    overlap = min(1.0, float(area.flat[at]) / smaller)
    correlation = min(1.0, float(found.flat[at]))
    return PixelProof(correlation, 1 / scale, overlap, mirrored, len(a))
