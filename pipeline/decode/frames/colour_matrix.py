"""Colour matrices that libswscale cannot read, and what stands in for them.

BT.2020 with constant luminance, its chromaticity-derived kin and ICtCp are read as BT.2020 with
non-constant luminance; all others (YCgCo, SMPTE ST 2085, IPT ...) as if the file told no matrix.
Hues may be wrong there, and the video's note says so.
"""

from __future__ import annotations

from av.video.frame import VideoFrame

UNSPECIFIED, BT2020_NCL = 2, 9
READ = (0, 1, UNSPECIFIED, 4, 5, 6, 7, BT2020_NCL)  # libav's numbers
NAMES = {
    3: "reserved",
    8: "YCgCo",
    10: "BT.2020 CL",
    11: "SMPTE ST 2085",
    12: "chromaticity-derived NCL",
    13: "chromaticity-derived CL",
    14: "ICtCp",
    15: "IPT-C2",
    16: "YCgCo-Re",
    17: "YCgCo-Ro",
}
LIKE_BT2020 = (10, 12, 13, 14)


def replace_matrix(frame: VideoFrame) -> str:
    """Give a frame a colour matrix that can be read; return a note, or nothing if it has one.

    >>> frame = VideoFrame(16, 16, "yuv420p")
    >>> frame.colorspace = 8
    >>> replace_matrix(frame), int(frame.colorspace)
    ('colour matrix YCgCo read as if untold', 2)
    """
    told = int(frame.colorspace)
    if told in READ:
        return ""
    wide = told in LIKE_BT2020
    frame.colorspace = BT2020_NCL if wide else UNSPECIFIED
    name = NAMES.get(told, f"number {told}")
    return f"colour matrix {name} read as {'BT.2020 NCL' if wide else 'if untold'}"
