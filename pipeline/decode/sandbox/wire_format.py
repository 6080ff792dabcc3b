"""Wire format from a decode child to its parent: a line of JSON, then raw bytes.

Each distinct frame travels once. The pictures of a film come first, each behind a line of its own,
as they are decoded. Nothing that comes is unpickled, and nothing is taken on trust:
the parent knows from its own request how many numbers must come.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from ...records import Candidates, Frames, Reader, Status, StreamedFrames, VideoInfo
from ..base import FrameRequest

ReadBytes = Callable[[int], bytes]
Array = npt.NDArray[Any]
Packed = tuple[dict[str, Any], list[Array]]  # the facts for the line, the arrays that follow it
INFO = {"duration": float, "fps": float, "width": int, "height": int, "frames": int, "track": int}


def pack(frames: Frames) -> Packed:
    """Return the facts for the line and the arrays that follow it."""
    further = frames.candidates
    indices = [frames.index] if further is None else [frames.index, further.index.ravel()]
    distinct, first = np.unique(np.concatenate(indices), return_index=True)
    pixels = [frames.pixels]
    if further is not None:
        pixels.append(further.pixels.reshape(-1, *further.pixels.shape[2:]))
    facts = {
        "status": int(frames.status),
        "message": frames.note,
        "reader": int(frames.reader),
        "info": asdict(frames.info),
        "distinct": len(distinct),
    }
    clip = len(frames.index)
    pictures = [pixels[at >= clip][at - clip * (at >= clip)] for at in first.tolist()]
    arrays: list[Array] = [distinct, *pictures, frames.index, frames.seconds]
    if further is not None:
        arrays += [further.index, further.seconds]
    if frames.views is not None:
        arrays.append(frames.views)
    return facts, arrays


def pack_streamed(frames: StreamedFrames) -> Packed:
    """Return what follows the pictures that were handed on: facts, and the arrays behind them."""
    facts = {
        "status": int(frames.status),
        "message": frames.note,
        "reader": int(frames.reader),
        "info": asdict(frames.info),
        "frames": len(frames.index),
    }
    return facts, [frames.places, frames.index, frames.seconds]


def unpack_streamed(facts: dict[str, Any], read_bytes: ReadBytes, pictures: int) -> StreamedFrames:
    """Return the frames whose facts came, after the pictures.

    Args:
        facts: Of :func:`pack_streamed`.
        read_bytes: Returns exactly the requested number of bytes.
        pictures: How many pictures came.

    Raises:
        ValueError: If what comes is not what was asked; or LookupError or TypeError.
    """
    count = int(facts["frames"])
    if not 1 <= count <= pictures:
        raise ValueError(f"{count} frames of {pictures} pictures")
    places = np.frombuffer(read_bytes(8 * count), np.int64)
    index = np.frombuffer(read_bytes(8 * count), np.int64)
    seconds = np.frombuffer(read_bytes(8 * count), np.float64)
    if places.min() < 0 or places.max() >= pictures:
        raise ValueError("a frame came without its picture")
    info = VideoInfo(*(kind(facts["info"][name]) for name, kind in INFO.items()))
    status, reader = Status(facts["status"]), Reader(facts["reader"])
    return StreamedFrames(places, seconds, index, info, status, reader, str(facts["message"]))


def unpack(
    facts: dict[str, Any], read_bytes: ReadBytes, request: FrameRequest, size: int
) -> Frames:
    """Return the frames whose facts came, their bytes taken from the pipe.

    Args:
        facts: Of :func:`pack`.
        read_bytes: Returns exactly the requested number of bytes.
        request: What was asked.
        size: Side of the pictures.

    Raises:
        ValueError: If what comes is not what was asked; or LookupError or TypeError.
    """
    t, m, v = request.frames, request.per_segment, request.views
    count = int(facts["distinct"])
    if not 1 <= count <= t * (1 + m):
        raise ValueError(f"{count} pictures for {t} frames")

    def array(kind: type[np.generic], *shape: int) -> Array:
        return np.frombuffer(
            read_bytes(int(np.prod(shape)) * np.dtype(kind).itemsize), kind
        ).reshape(shape)

    distinct = array(np.int64, count)
    pictures = array(np.uint8, count, size, size, 3)
    index, seconds = array(np.int64, t), array(np.float64, t)
    candidates = None
    if m:
        further, when = array(np.int64, t, m), array(np.float64, t, m)
        candidates = Candidates(pictures[_places(distinct, further)], when, further)
    views = array(np.uint8, v, t, size, size, 3) if v else None
    info = VideoInfo(*(kind(facts["info"][name]) for name, kind in INFO.items()))
    return Frames(
        pictures[_places(distinct, index)],
        seconds,
        index,
        info,
        Status(facts["status"]),
        Reader(facts["reader"]),
        str(facts["message"]),
        candidates,
        views,
    )


def _places(distinct: Array, indices: Array) -> Array:
    places = np.searchsorted(distinct, indices)
    if (distinct[np.minimum(places, len(distinct) - 1)] != indices).any():
        raise ValueError("a frame came without its picture")
    return places
