"""Codes as rows for other programs: a video or a window each, with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import VideoTable
from chainpipe.pipeline.store.arrays.columns import split_names

from ..retrieval.bitpack import U8
from ..retrieval.codes import Codes
from ..retrieval.hamming import Rows

AT_ONCE = 5000  # rows of a batch

F64 = npt.NDArray[np.float64]


class CodeRow(NamedTuple):
    """One code with what is known of its video.

    Attributes:
        id: SHA-256 of the video's bytes, hexadecimal.
        number: Of the window in its video, from 0; 0 for a whole video.
        path: Of the video, see :func:`text_of`.
        code: Packed bits, ceil(K / 8) bytes; bit j is in byte j // 8, least significant first.
        duration: Seconds of the video, ``None`` where unknown.
        labels: Of the video.
        split: Part of the data set: ``train``, ``test`` ... or ``none``.
        start: First second of the window, ``None`` for a whole video.
        end: Last second of the window, ``None`` for a whole video.
    """

    id: str
    number: int
    path: str
    code: bytes
    duration: float | None
    labels: tuple[str, ...]
    split: str
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """The rows of a codes file: its N videos, or the W windows of them.

    Attributes:
        codes: The codes.
        durations: Seconds of each video, (N,), NaN where unknown.
        of_windows: Whether a row is a window.

    Raises:
        UsageError: If windows are asked for and the codes have none.
    """

    codes: Codes
    durations: F64
    of_windows: bool = False

    def __post_init__(self) -> None:
        if self.of_windows and self.codes.windows is None:
            hint = "`chainpipe encode` makes some for a store of `extract --every`"
            raise UsageError("these codes have no codes of windows", hint=hint)

    @classmethod
    def of(
        cls, codes: Codes, videos: VideoTable | None = None, *, of_windows: bool = False
    ) -> CodeTable:
        """Return the rows of codes, with the durations that a store knows by content.

        Args:
            codes: The codes.
            videos: Of a store that has some of the videos.
            of_windows: Whether a row is a window.

        Raises:
            UsageError: If windows are asked for and the codes have none.
        """
        return cls(codes, _durations(codes.video_ids, videos), of_windows)

    def __len__(self) -> int:
        if self.of_windows and self.codes.windows is not None:
            return len(self.codes.windows)
        return len(self.codes)

    def one_each(self) -> CodeTable:
        """Return one video of each content, the first, in the order of the ids.

        Example:
            >>> codes = Codes.from_bits([[0], [1]], ids="ab")
            >>> len(CodeTable.of(codes.append(codes)).one_each())
            2
        """
        _, first = np.unique(_as_keys(self.codes.video_ids), return_index=True)
        return replace(self, codes=self.codes[first], durations=self.durations[first])

    def batches(self, size: int = AT_ONCE) -> Iterator[list[CodeRow]]:
        """Yield all rows in order, ``size`` at a time."""
        for start in range(0, len(self), size):
            rows = np.arange(start, min(start + size, len(self)))
            yield self._window_rows(rows) if self.of_windows else self._video_rows(rows)

    def _video_rows(self, rows: Rows) -> list[CodeRow]:
        codes = (line.tobytes() for line in self.codes.packed[rows])
        return [
            CodeRow(one.id, 0, one.path, code, one.duration, one.labels, one.split, None, None)
            for one, code in zip(self._videos(rows), codes, strict=True)
        ]

    def _window_rows(self, rows: Rows) -> list[CodeRow]:
        windows = self.codes.windows
        assert windows is not None
        owners, place = np.unique(windows.rows[rows], return_inverse=True)
        videos = self._videos(owners)
        numbers = rows - np.searchsorted(windows.rows, windows.rows[rows])
        spans = zip(windows.starts[rows].tolist(), windows.ends[rows].tolist(), strict=True)
        codes = (line.tobytes() for line in windows.packed[rows])
        return [
            CodeRow(one.id, number, one.path, code, one.duration, one.labels, one.split, *span)
            for one, number, code, span in zip(
                (videos[i] for i in place.tolist()), numbers.tolist(), codes, spans, strict=True
            )
        ]

    def _videos(self, rows: Rows) -> list[_Video]:
        codes, splits = self.codes, split_names(self.codes.split[rows])
        return [
            _Video(
                codes.video_ids[row].tobytes().hex(),
                text_of(codes.paths[row]),
                None if np.isnan(self.durations[row]) else float(self.durations[row]),
                tuple(text_of(name) for name in codes.names_of(row)),
                split,
            )
            for row, split in zip(rows.tolist(), splits, strict=True)
        ]


class _Video(NamedTuple):
    id: str
    path: str
    duration: float | None
    labels: tuple[str, ...]
    split: str


def text_of(name: bytes | str) -> str:
    r"""Return a name as text that every database takes; what is no UTF-8 becomes ``\xff``.

    Example:
        >>> print(text_of(b"caf\xc3\xa9/\xff.mp4"))
        café/\xff.mp4
    """
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _as_keys(ids: U8) -> npt.NDArray[np.void]:
    """View ids, (N, 32), as N values that can be sorted; bytes decide, the first one first."""
    return np.ascontiguousarray(ids).view("V32").reshape(-1)


def _durations(ids: U8, videos: VideoTable | None) -> F64:
    """Return the seconds of videos by their ids, NaN where no store knows them."""
    found = np.full(len(ids), np.nan)
    if videos is None or not len(videos):
        return found
    known, first = np.unique(_as_keys(videos.ids), return_index=True)
    asked = _as_keys(ids)
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    same = known[places] == asked
    found[same] = videos.duration[first[places[same]]]
    return found
