"""Whether a decoder gave the right frames: by the numbers in them, and bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from files import Sample
from footage import read_code
from rivals import Fit, Pixels

from chainpipe.pipeline.decode import FrameRequest
from chainpipe.pipeline.decode.frame_sampling import uniform_indices
from chainpipe.pipeline.records import Frames, VideoError

BUILT_IN = ("exact", "linear", "keyframe")


def rank_database(
    answer: Frames | Pixels | Exception,
    sample: Sample,
    *,
    frames: int,
    request: FrameRequest | None,
) -> dict[str, Any]:
    """Say how many frames of an answer are the right ones.

    Args:
        answer: What a method returned or raised.
        sample: The file.
        frames: How many were asked.
        request: What our decoder was asked; None for a rival.
    """
    if isinstance(answer, Exception):
        status = answer.status.label if isinstance(answer, VideoError) else "error"
        words = f"{type(answer).__name__}: {answer}".splitlines()[0]
        return {"status": status, "failed": _without_paths(words)[:160], "right": 0}
    if isinstance(answer, Frames):
        assert request
        return _judge_ours(answer, sample, request, frames)
    wanted = _wanted(sample, frames)
    codes = [read_code(picture, side=min(sample.size)) for picture in answer]
    right = sum(a == b for a, b in zip(codes, wanted, strict=False))
    return {"status": "", "right": right, "frames": len(answer)}


def _judge_ours(
    answer: Frames, sample: Sample, request: FrameRequest, frames: int
) -> dict[str, Any]:
    """Check that the pictures are those the answer says, and those that were to be chosen."""
    got = answer.reader.name.lower()
    asked = "keyframe" if request.sampling == "keyframe" else request.reader
    if asked not in ("auto", got):
        return {"status": "", "failed": f"not available, {got} reader", "right": 0}
    codes = [read_code(picture, side=min(sample.size)) for picture in answer.pixels]
    shown = dict(enumerate(sample.codes))
    said = [shown.get(number, -1) for number in answer.index.tolist()]
    pairs = list(zip(codes, _wanted(sample, frames), strict=True))
    return {
        "status": answer.status.label, "reader": got, "frames": len(codes),
        "right": sum(code == number for code, number in zip(codes, said, strict=True)),
        "as asked": sum(code == wanted for code, wanted in pairs),
        "furthest off": max((abs(c - wanted) for c, wanted in pairs if c is not None), default=0),
        "note": answer.note, "index": answer.index.tolist(), "pixels": answer.pixels,
    }  # fmt: skip


def _wanted(sample: Sample, frames: int) -> list[int]:
    numbers = uniform_indices(len(sample.codes), frames)
    return [sample.codes[number] for number in numbers.tolist()]


def _without_paths(words: str) -> str:
    return " ".join(word for word in words.split() if "/" not in word)


def compare_pixels(answers: Sequence[dict[str, Any]], path: Path) -> None:
    """Note whether our built-in readers' pictures are, bit for bit, those of decoding everything.

    Args:
        answers: What :func:`rank_database` said of them; their pictures are taken out.
        path: The file.
    """
    whole = [facts for facts in answers if facts.get("reader") in BUILT_IN]
    needed = {number for facts in whole for number in facts["index"]}
    size = len(whole[0]["pixels"][0]) if whole else 0
    pictures = _decoded(path, needed, size=size) if needed else {}
    for facts in whole:
        numbers = facts["index"]
        there = all(number in pictures for number in numbers)
        facts["identical"] = there and all(
            np.array_equal(pictures[n], picture)
            for n, picture in zip(numbers, facts["pixels"], strict=True)
        )
    for facts in answers:
        facts.pop("pixels", None)
        facts.pop("index", None)


def _decoded(path: Path, needed: set[int], *, size: int) -> dict[int, Pixels]:
    """Decode everything and keep some frames, fitted as our readers do."""
    kept: dict[int, Pixels] = {}
    fit = Fit(size)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for number, frame in enumerate(_sound_frames(container, stream)):
            if number in needed:
                kept[number] = fit(frame)
    return kept


def _sound_frames(container: Any, stream: Any) -> Iterator[av.VideoFrame]:
    """Yield frames until the file ends or breaks off."""
    try:
        yield from container.decode(stream)
    except av.error.FFmpegError:
        return
