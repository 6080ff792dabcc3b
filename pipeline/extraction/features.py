"""One file to one video's features: decode in a child, embed with every backbone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..decode import Decoder
from ..inputs.file_end import EMPTY, cut_off, how_it_ends
from ..inputs.manifest import FileIdentity, ensure_unchanged
from ..records import Frames, Status, VideoError, VideoFeatures
from .blank_frames import blank_of
from .extraction_spec import ExtractionSpec
from .filled_video import filled_video
from .segments import embed_segments
from .sequences import read_sequences

Features = npt.NDArray[np.float32]


def read_features(
    decoder: Decoder,
    path: Path,
    name: bytes,
    video_id: bytes,
    before: FileIdentity,
    specs: Sequence[ExtractionSpec],
) -> list[VideoFeatures | VideoError]:
    """Decode one file and embed it with every recipe's backbone.

    Args:
        decoder: Of the calling thread.
        path: The file.
        name: Its path in the store.
        video_id: SHA-256 of its bytes.
        before: Its identity before those were read.
        specs: What to do; they differ in the backbone only. Those that want the same frames,
            resized alike, share one decoding.

    Returns:
        For each recipe the features, or why its backbone gave none.

    Raises:
        VideoError: If the file gives no frames; ``CHANGED`` if it is not the file of ``before``.
    """
    found: dict[int, VideoFeatures | VideoError] = {}
    for alike in decoded_together(specs):
        group = [specs[number] for number in alike]
        made = _read_once(decoder, path, name, video_id, before, group)
        found |= zip(alike, made, strict=True)
    return [found[number] for number in range(len(specs))]


def decoded_together(specs: Sequence[ExtractionSpec]) -> list[list[int]]:
    """Return the numbers of the recipes in groups that want the same frames, resized alike."""
    groups: dict[tuple[int, str], list[int]] = {}
    for number, spec in enumerate(specs):
        groups.setdefault((spec.request.frames, spec.request.resize), []).append(number)
    return list(groups.values())


def _read_once(
    decoder: Decoder,
    path: Path,
    name: bytes,
    video_id: bytes,
    before: FileIdentity,
    specs: Sequence[ExtractionSpec],
) -> list[VideoFeatures | VideoError]:
    """Decode one file once; see :func:`read_features`."""
    request = replace(specs[0].request, seed=video_seed(video_id, specs[0].request.seed))
    if request.every:
        try:
            found = read_sequences(decoder, path, name, video_id, before, request, specs)
        except VideoError as error:
            raise _with_end(error, path) from error
        ensure_unchanged(path, before)
        return found
    try:
        clips = decoder.read_sizes(path, request, [spec.request.size for spec in specs])
    except VideoError as error:
        raise _with_end(error, path) from error
    if clips[0].status is Status.PARTIAL and (cut := cut_off(path)):
        clips = tuple(replace(frames, note=f"{frames.note}; {cut}") for frames in clips)
    ensure_unchanged(path, before)
    if specs[0].meta.strict and clips[0].status == Status.PARTIAL:
        raise VideoError(Status.PARTIAL, clips[0].note)
    pairs = zip(clips, specs, strict=True)
    return [_features(frames, spec, name, video_id, before) for frames, spec in pairs]


def _with_end(error: VideoError, path: Path) -> VideoError:
    """Say how a file ends in which nothing could be decoded, before what the library said."""
    if error.status is not Status.CORRUPT:
        return error
    try:
        ending = how_it_ends(path)
    except OSError:
        return error
    if not ending:
        return error
    message = ending if ending == EMPTY else f"{ending} ({error})"
    return VideoError(error.status, message, command=error.command, stderr=error.stderr)


def video_seed(video_id: bytes, seed: int) -> int:
    """Return the seed of one video's draws, whatever its name and its place in a run.

    >>> video_seed(b"content", 0) == video_seed(b"content", 0) != video_seed(b"content", 1)
    True
    """
    digest = hashlib.sha256(video_id + seed.to_bytes(8, "little")).digest()
    return int.from_bytes(digest[:7], "little")


def _features(
    frames: Frames, spec: ExtractionSpec, name: bytes, video_id: bytes, before: FileIdentity
) -> VideoFeatures | VideoError:
    with np.errstate(over="ignore"):  # becomes infinity, which is found below
        clip, candidates, views = (
            None if part is None else part.astype(spec.meta.dtype) for part in embed(frames, spec)
        )
    assert clip is not None
    return filled_video(
        frames, clip, spec, name=name, video_id=video_id, before=before, note=frames.note,
        blank=blank_of(frames, spec.request.fit), candidates=candidates,
        candidate_frames=frames.candidates, views=views,
    )  # fmt: skip


def embed(
    frames: Frames, spec: ExtractionSpec
) -> tuple[Features, Features | None, Features | None]:
    """Return the features of the clip (T, D), its candidates (T, C, D) and its views (V, T, D).

    A frame that occurs several times is embedded once; all go in one call, for a GPU's sake.
    """
    if spec.frames_per_feature > 1:
        clip, segment_views = embed_segments(frames, spec)
        return clip, None, segment_views
    extra, views = frames.candidates, frames.views
    pixels, index = frames.pixels, frames.index
    side, t, d = pixels.shape[1:], len(index), spec.backbone.dim
    if extra is not None:
        pixels = np.concatenate([pixels, extra.pixels.reshape(-1, *side)])
        index = np.concatenate([index, extra.index.ravel()])
    _, first, back = np.unique(index, return_index=True, return_inverse=True)
    distinct = [pixels[first]] if views is None else [pixels[first], views.reshape(-1, *side)]
    found = spec.embed(np.concatenate(distinct))
    shown = found[: len(first)][back]
    return (
        shown[:t],
        None if extra is None else shown[t:].reshape(*extra.index.shape, d),
        None if views is None else found[len(first) :].reshape(len(views), t, d),
    )
