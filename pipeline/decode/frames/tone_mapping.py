"""HDR to SDR, simply: reference white becomes white, what is brighter is pressed together.

PQ and HLG give light in nits; 203 nits are SDR's white (ITU-R BT.2408). Colours go from BT.2020 to
BT.709. Luminance up to three quarters of white stays; all above is bent so that 1,000 nits just
reach white; then the inverse of BT.1886's display curve makes the numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorTrc

WHITE = 203.0  # nits
PEAK = 1000.0 / WHITE
KNEE = 0.75
TO_709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
HDR = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
BT2020 = 9  # libav's number of its matrix

Light = npt.NDArray[np.floating]


def is_hdr(frame: VideoFrame) -> bool:
    """Return whether a frame's numbers mean PQ or HLG light."""
    return frame.color_trc in HDR


def tone_mapped(signal: Light, transfer: int) -> npt.NDArray[np.uint8]:
    """Return SDR RGB bytes of a BT.2020 picture.

    Args:
        signal: PQ or HLG numbers of 0 to 1, (H, W, 3).
        transfer: Which of them, as libav counts.
    """
    light = pq_light(signal) if transfer == ColorTrc.SMPTE2084 else hlg_light(signal)
    return sdr_bytes(np.maximum(light @ TO_709.T, 0))


def pq_light(signal: Light) -> Light:
    """Return light in units of SDR white from PQ numbers of 0 to 1 (SMPTE ST 2084).

    >>> float(pq_light(np.array([0.58], np.float32))[0].round(1))
    1.0
    """
    power = np.clip(signal, 0, 1) ** np.float32(1 / 78.84375)
    ratio = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(ratio ** np.float32(1 / 0.1593017578125) * (10_000 / WHITE), np.float32)


def hlg_light(signal: Light) -> Light:
    """Return light in units of SDR white from HLG numbers (ITU-R BT.2100, 1,000 nits).

    >>> float(hlg_light(np.full((1, 3), 0.75, np.float32))[0, 0].round(1))
    1.0
    """
    bent = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    scene = np.where(signal <= 0.5, signal**2 / 3, bent)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593], np.float32)
    gain = np.maximum(luminance, 1e-6)[..., None] ** np.float32(0.2)
    return np.asarray(scene * gain * PEAK, np.float32)


def sdr_bytes(light: Light) -> npt.NDArray[np.uint8]:
    """Return RGB bytes of BT.709 light in units of SDR white, (..., 3)."""
    luminance = (light @ LUMA)[..., None]
    over = np.maximum(luminance - KNEE, 0)
    room, reach = 1 - KNEE, PEAK - KNEE
    # A curve that leaves the knee with slope 1 and meets white at the peak.
    pressed = over * (1 + over * (room / reach**2)) / (1 + over / room)
    scale = np.where(over > 0, (KNEE + pressed) / np.maximum(luminance, 1e-6), 1)
    display = np.clip(light * scale, 0, 1) ** np.float32(1 / 2.4)
    return np.asarray(np.rint(display * 255), np.uint8)
