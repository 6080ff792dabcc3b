"""Look again at likely pairs, in the videos' own files: more frames, and what moves in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from chainpipe.pipeline.records import FailedVideo, Frames

from ..matching.records import Relation, Verdict
from .pairs import VideoPair
from .pixel_check import SIDE, GreyClip, PictureLayout, grey, lay_on, movement_alignment, sureness
from .videos import ComparedVideos

FRAMES = 100  # of each video that is decoded again
COPY = 0.45  # how surely their pixels move alike, from which two are copies
MOVES = 3.6  # grey levels; in pictures that change less, nothing but noise is alike
SHARED = 0.5  # of both videos that copies show
LAID = 0.85  # likeness from which one picture surely lies right on the other
OTHERWISE = 0.06  # below it, pictures that lie right on each other move otherwise
_AT_A_TIME = 400  # videos in memory, 1.6 MB each
_DECODED = 32  # videos at once

Advance = Callable[[int], None]
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
Decode = Callable[[Sequence[Path], int, int], list[Frames | FailedVideo]]


class PixelRecheck:
    """Decodes the videos of likely pairs again, and compares what moves in their pixels.

    Args:
        decode: Decodes videos: paths, frames of each, side in pixels.

    Attributes:
        unreadable: Rows whose file could not be read, and why.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self.unreadable: dict[int, str] = {}

    def __call__(
        self, videos: ComparedVideos, pairs: Sequence[VideoPair], progress: Progress
    ) -> list[VideoPair]:
        """Return the pairs with what the pixels say, where they say more than the features.

        Parts of longer videos, and pairs with a file that cannot be read, stay as they are.

        Args:
            videos: What the rows of the pairs are of.
            pairs: Pairs of the second check, those without an answer included.
            progress: Shows how far it is.
        """
        left = [pair for pair in pairs if pair.verdict.relation is Relation.PART_OF]
        likely = [pair for pair in pairs if pair.verdict.relation is not Relation.PART_OF]
        likely.sort(key=lambda pair: (pair.a, pair.b))
        decoded = len({row for pair in likely for row in (pair.a, pair.b)})
        with progress("decode and compare", decoded + len(likely)) as advance:
            for pair, a, b in self._with_clips(videos, likely, advance):
                verdict = pair.verdict
                if a is not None and b is not None:
                    verdict = looked_at(verdict, a, b)
                left.append(replace(pair, verdict=verdict))
                advance(1)
        return left

    def _with_clips(
        self, videos: ComparedVideos, pairs: Sequence[VideoPair], advance: Advance
    ) -> Iterator[tuple[VideoPair, GreyClip | None, GreyClip | None]]:
        """Yield pairs with their decoded videos, of which few are in memory at a time."""
        held: dict[int, GreyClip | None] = {}
        start = 0
        while start < len(pairs):
            rows: set[int] = set()
            end = start
            while end < len(pairs) and len(rows) < _AT_A_TIME:
                rows |= {pairs[end].a, pairs[end].b}
                end += 1
            held = {row: clip for row, clip in held.items() if row in rows}
            wanted = sorted(rows - set(held))
            for at in range(0, len(wanted), _DECODED):
                held |= self._clips(videos, wanted[at : at + _DECODED])
                advance(len(wanted[at : at + _DECODED]))
            for pair in pairs[start:end]:
                yield pair, held[pair.a], held[pair.b]
            start = end

    def _clips(self, videos: ComparedVideos, rows: Sequence[int]) -> dict[int, GreyClip | None]:
        paths = [Path(os.fsdecode(videos.file(row))) for row in rows]
        found: dict[int, GreyClip | None] = {}
        for row, frames in zip(rows, self._decode(paths, FRAMES, SIDE), strict=True):
            if isinstance(frames, FailedVideo):
                self.unreadable[row] = frames.message
                found[row] = None
            else:
                seconds, duration = frames.seconds, frames.info.duration
                found[row] = GreyClip.of(grey(frames.pixels), seconds, duration)
        return found


def looked_at(verdict: Verdict, a: GreyClip, b: GreyClip) -> Verdict:
    """Return what the pixels of two videos say, or the verdict as it was.

    Args:
        verdict: Of the second check.
        a: The first video.
        b: The second.
    """
    if min(a.movement, b.movement) < MOVES:
        return verdict
    layout = lay_on(a, b)
    found = movement_alignment(a, b, layout)
    if found is None:
        return verdict
    shared, sure = min(found.share_a, found.share_b), sureness(found)
    if shared >= SHARED and sure >= COPY:
        how = f"pixels move alike (dyn {found.dyn:.2f}, step {found.step:.2f})"
        reason = ", ".join([f"{how} over {shared:.0%} of the longer", *_laid(layout)])
        return Verdict(Relation.COPY, reason, found, mirrored=layout.mirrored)
    if verdict.relation is Relation.COPY and layout.likeness >= LAID and sure < OTHERWISE:
        reason = f"the same picture, but its pixels move otherwise (dyn {found.dyn:.2f})"
        return replace(verdict, relation=Relation.SAME_SCENES, reason=reason)
    return verdict


def _laid(layout: PictureLayout) -> list[str]:
    """Say how one picture lies on the other."""
    said = ["mirrored"] if layout.mirrored else []
    for box in (layout.box_a, layout.box_b):
        top, bottom, left, right = box
        if (share := (bottom - top) * (right - left)) < 0.98:
            said.append(f"{share:.0%} of the picture")
            break
    return said
