"""Read a still picture as a video of one frame, where a request takes pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from ...options import DecodeLimits
from ...records import Reader, Status, VideoError
from ..base import FrameRequest
from ..demux.container import check_pixels
from ..frames.assemble import ReaderResult
from ..frames.frame_selection import select_frames
from ..frames.pixels import Picture, over_black
from ..frames.render import FrameRenderer

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")  # none starts a program
SECONDS = 0.04  # that the only frame is shown


def read_picture(
    path: Path, request: FrameRequest, sizes: tuple[int, ...], limits: DecodeLimits
) -> ReaderResult | None:
    """Decode a picture, turned as its EXIF says, transparent parts black; ``None`` if it is none.

    Args:
        path: The file.
        request: Which moments, as which pixels; every moment shows the picture.
        sizes: Sides of the output.
        limits: ``pixels`` is checked here, the rest is the process's.

    Raises:
        VideoError: If it is a picture, but damaged or too large.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():  # opening a pipe would wait for ever
        return None
    try:
        with Image.open(path, formats=FORMATS) as image:
            check_pixels(image.width, image.height, limits)
            pixels = _upright_rgb(image)
    except (VideoError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise VideoError(Status.LIMIT, str(error)) from error
    except UnidentifiedImageError:
        return None
    except Exception as error:  # whatever a strange file makes a decoder of pictures raise
        raise VideoError(Status.CORRUPT, f"a damaged picture: {error}") from error
    render = FrameRenderer(request, sizes)
    shown = render(VideoFrame.from_ndarray(pixels, format="rgb24"))
    seconds = np.zeros(1)
    selection = select_frames(seconds, SECONDS, request)
    return ReaderResult(
        selection, {0: shown}, seconds, SECONDS, render.shape, Reader.EXACT, damage=""
    )


def _upright_rgb(image: object) -> Picture:
    """Return a Pillow image as (H, W, 3) RGB bytes."""
    from PIL import Image, ImageOps

    assert isinstance(image, Image.Image)
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off at 255
        levels = np.asarray(upright, np.float32)
        grey = (levels / (257 if levels.max(initial=0) > 255 else 1)).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        return np.ascontiguousarray(over_black(np.asarray(upright.convert("RGBA"))))
    return np.ascontiguousarray(upright.convert("RGB"), np.uint8)
