"""Strips: one picture file of some frames of a video side by side, named by its content."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from chainpipe.pipeline.extraction.moment_pictures import PictureJob, Pictures, pictures_at
from chainpipe.pipeline.records import FailedVideo, VideoTable
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

FOLDER = "sprites"
SIDE = 256  # pixels of a frame's longer side, at most
NARROWEST = 16  # pixels of its shorter side, at least
QUALITY = 80  # of the JPEG files
_FORMAT = 1  # goes up when the same moments give other files

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


@dataclass(frozen=True, slots=True)
class Strip:
    """Some frames of one video, side by side in one file.

    Attributes:
        row: Of the video.
        seconds: Rising, one for each frame.
    """

    row: int
    seconds: tuple[float, ...]

    def file(self, table: VideoTable) -> str:
        """Return the name of its file in :data:`FOLDER`, which its content and moments decide."""
        content = table.ids[self.row].tobytes().hex()
        wanted = json.dumps([_FORMAT, *frame_size(table, self.row), self.seconds])
        key = hashlib.sha256(wanted.encode()).hexdigest()[:10]
        return f"{content[:2]}/{content[:32]}-{key}.jpg"


def frame_size(table: VideoTable, row: int) -> tuple[int, int]:
    """Return width and height of a video's frames in its strips: its shape, at most ``SIDE``."""
    width, height = int(table.width[row]), int(table.height[row])
    if width < 1 or height < 1:
        return SIDE, SIDE
    scale = min(1.0, SIDE / max(width, height))
    return max(NARROWEST, round(width * scale)), max(NARROWEST, round(height * scale))


def rising(seconds: Iterable[float]) -> tuple[float, ...]:
    """Return moments to the millisecond, each once, in order; what is no number is left out.

    >>> rising([2.0, 0.50001, float("nan"), 0.5])
    (0.5, 2.0)
    """
    return tuple(sorted({max(0.0, round(float(s), 3)) for s in seconds if np.isfinite(s)}))


class StripFolder:
    """The strips of a gallery; those that are there already are not made again.

    Args:
        folder: Where they are.
        table: The videos.
        root: Folder of the videos.
    """

    def __init__(self, folder: Path, table: VideoTable, root: Path) -> None:
        self.folder, self.table, self.root = folder, table, root
        self.missing: dict[int, str] = {}
        self._rows: dict[bytes, list[int]] = {}
        for row in range(len(table)):
            self._rows.setdefault(self._content(row), []).append(row)

    def make(
        self, strips: Sequence[Strip], *, workers: int | None, progress: Progress
    ) -> dict[Strip, str]:
        """Make the strips that are not there; every video is decoded once for all of its strips.

        Why a video has none is noted in ``missing``, by row.

        Args:
            strips: Those that are wanted.
            workers: Videos decoded at a time; one a core by default.
            progress: Shows how far it is.

        Returns:
            The file of each strip that is there.

        Raises:
            StorageError: If the disk does not take them.
        """
        wanted = [strip for strip in dict.fromkeys(strips) if strip.seconds]
        files = {strip: strip.file(self.table) for strip in wanted}
        new = {file: strip for strip, file in files.items() if not (self.folder / file).exists()}
        self._decode(list(new.values()), workers, progress)
        return {strip: file for strip, file in files.items() if (self.folder / file).exists()}

    def remove_others(self, kept: Iterable[str]) -> int:
        """Remove the strips that no page shows any more; return how many."""
        wanted, count = set(kept), 0
        for file in self.folder.glob("??/*.jpg"):
            if file.relative_to(self.folder).as_posix() not in wanted:
                file.unlink(missing_ok=True)
                count += 1
        return count

    def _decode(self, strips: Sequence[Strip], workers: int | None, progress: Progress) -> None:
        by_content: dict[bytes, list[Strip]] = {}
        for strip in strips:
            by_content.setdefault(self._content(strip.row), []).append(strip)
        readable = [(group, self._readable_file(group[0].row)) for group in by_content.values()]
        there = [(group, path) for group, path in readable if path is not None]
        jobs = [self._job(path, group) for group, path in there]
        with progress("pictures", len(jobs)) as advance:
            for number, found in pictures_at(jobs, workers=workers):
                group = there[number][0]
                if isinstance(found, FailedVideo):
                    self._note(group[0].row, f"{found.status.label}: {found.message}")
                else:
                    by_second = dict(zip(jobs[number].seconds, found, strict=True))
                    for strip in group:
                        self._write(strip, by_second)
                advance(1)

    def _job(self, path: Path, strips: Sequence[Strip]) -> PictureJob:
        seconds = rising(second for strip in strips for second in strip.seconds)
        return PictureJob(path, seconds, max(frame_size(self.table, strips[0].row)))

    def _content(self, row: int) -> bytes:
        return bytes(self.table.ids[row])

    def _readable_file(self, row: int) -> Path | None:
        """Return a file of the content of a row that is still what the store was made from."""
        for same in self._rows[self._content(row)]:
            path = self.root / os.fsdecode(self.table.paths[same])
            try:
                facts = os.stat(path)
            except OSError as error:
                self._note(row, f"the file cannot be opened: {error.strerror}")
                continue
            then = int(self.table.size[same]), int(self.table.mtime_ns[same])
            if then in ((0, 0), (facts.st_size, facts.st_mtime_ns)):
                for other in self._rows[self._content(row)]:
                    self.missing.pop(other, None)
                return path
            self._note(row, "the file has changed since it was extracted")
        return None

    def _note(self, row: int, why: str) -> None:
        """Note why the videos of the content of a row have no pictures."""
        self.missing |= dict.fromkeys(self._rows[self._content(row)], why)

    def _write(self, strip: Strip, by_second: Mapping[float, Pictures]) -> None:
        size = frame_size(self.table, strip.row)
        joined = Image.new("RGB", (size[0] * len(strip.seconds), size[1]))
        for place, second in enumerate(strip.seconds):
            frame = Image.fromarray(by_second[second]).resize(size, Image.Resampling.LANCZOS)
            joined.paste(frame, (place * size[0], 0))
        path = self.folder / strip.file(self.table)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_replace(path) as temporary:
                joined.save(temporary, format="JPEG", quality=QUALITY, optimize=True)
