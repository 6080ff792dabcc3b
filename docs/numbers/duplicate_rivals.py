"""What others call duplicates, plainly: rules on hashes of frames, and cosine of mean features."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import imagehash
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from PIL import Image

RATE = 6  # pictures a second
SIDE = 64
FRAMES = 25
NEAR_PDQ = 31  # of 256 bits: vPDQ's frames match up to here
NEAR_PHASH = 10  # of 64 bits

Bits = npt.NDArray[np.bool_]
Pictures = npt.NDArray[np.uint8]


@cache
def grey_pictures(path: Path) -> Pictures:
    """Decode small grey pictures of a whole video, (T, H, W)."""
    size = f"scale='if(gt(iw,ih),-2,{SIDE})':'if(gt(iw,ih),{SIDE},-2)'"
    wanted = ["-vf", f"fps={RATE},{size},format=gray", "-f", "image2pipe", "-c:v", "pgm", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-threads", "1"]
    raw = subprocess.run(
        [*command, "-i", str(path), *wanted], check=True, capture_output=True
    ).stdout
    pictures, at = [], 0
    while at < len(raw):
        head = raw[at : at + 40].split(b"\n", 3)
        width, height = (int(word) for word in head[1].split())
        start = at + sum(len(part) + 1 for part in head[:3])
        pictures.append(np.frombuffer(raw, np.uint8, width * height, start).reshape(height, width))
        at = start + width * height
    return np.stack(pictures)


def some_pictures(video: Pictures) -> list[Image.Image]:
    """Return 25 evenly spaced pictures."""
    count = len(video)
    rows = (2 * np.arange(FRAMES) + 1) * count // (2 * FRAMES)
    return [Image.fromarray(video[row]) for row in rows]


def frame_hashes(video: Pictures, side: int) -> Bits:
    """Return DCT hashes of the pictures, (25, side * side); side 16 is PDQ's transform."""
    return np.stack(
        [imagehash.phash(picture, side).hash.ravel() for picture in some_pictures(video)]
    )


def collage_hash(video: Pictures) -> Bits:
    """Return the wavelet hash of a collage of the pictures, (64,): videohash's idea."""
    pictures = [picture.resize((36, 36)) for picture in some_pictures(video)]
    collage = Image.new("L", (180, 180))
    for number, picture in enumerate(pictures):
        collage.paste(picture, (number % 5 * 36, number // 5 * 36))
    return np.asarray(imagehash.whash(collage).hash.ravel())


def matched_share(a: Bits, b: Bits, near: int) -> float:
    """Return which part of the frames of either video has a near frame in the other, the lower."""
    distances = (a[:, None] != b[None]).sum(axis=2)
    return float(
        min((distances.min(axis=1) <= near).mean(), (distances.min(axis=0) <= near).mean())
    )
