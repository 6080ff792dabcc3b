"""The linear reader: decode everything once, for files whose packets do not tell their times.

Which frames are wanted is foretold from the number of packets; what came out is checked at the end.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..demux.libav_log import Log
from ..demux.open import Beat
from ..demux.packet_table import Numbers, PacketTable
from ..demux.packets import demuxed
from .exact import Pictures, Show, Tag


@dataclass(slots=True)
class Passed:
    """What one pass over a whole file gave.

    Attributes:
        pictures: Of sound frames, by number.
        given: The number that stands for each wanted one.
        total: Frames, lost ones among them.
        lost: Frames that damage spoilt.
        numbers: Of all frames that came out.
        times: Their seconds, NaN where unknown.
    """

    pictures: dict[int, Pictures] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)
    total: int = 0
    lost: int = 0
    numbers: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))

    def seconds(self, rate: float) -> npt.NDArray[np.float64]:
        """Return when each frame is shown, from the first, (total,)."""
        times, numbers = np.array(self.times), np.array(self.numbers, np.float64)
        if np.isnan(times).any() or (np.diff(times) <= 0).any():
            return np.arange(self.total) / rate  # raw streams carry no times
        shown = np.interp(np.arange(self.total), numbers, times)
        return np.asarray(shown - times[0], np.float64)


class LinearReader:
    """Passes once over one open file.

    Args:
        container: At its beginning.
        stream: Of that container.
        table: Of that stream.
        show: Turns a frame into what is kept of it.
        beat: Called often.
        log: What libav says meanwhile.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, table: PacketTable,
        show: Show, beat: Beat, log: Log,
    ) -> None:  # fmt: skip
        self._container, self._stream, self._table = container, stream, table
        self._show, self._beat, self._log = show, beat, log
        self._spoilt = bytearray()
        self._refused = 0

    def read(self, numbers: Numbers) -> Passed:
        """Decode everything and keep the wanted frames, or the sound ones nearest to them.

        Args:
            numbers: Wanted, rising, in any length.
        """
        done, number, last = Passed(), -1, None
        tick = float(self._table.time_base)
        left = sorted(set(numbers.tolist()), reverse=True)
        for frame in self._frames():
            before, number = number, self._number(frame, number + 1 + self._refused)
            self._refused = 0
            done.lost += number - before - 1
            if number <= before:
                number = before
                continue  # its time has passed: a frame that damage repeats
            done.numbers.append(number)
            done.times.append(float("nan") if frame.pts is None else frame.pts * tick)
            if frame.is_corrupt or self._is_spoilt(frame):
                done.lost += 1
                continue
            while left and left[-1] <= number:
                self._keep(done, left.pop(), last, (number, frame))
            last = number, frame
        while left and last:
            self._keep(done, left.pop(), last, last)
        done.total = number + 1 + self._refused
        done.lost += self._refused
        return done

    def _number(self, frame: VideoFrame, counted: int) -> int:
        """Return a frame's number: by its time where damage took some and the rate is constant."""
        step = self._table.step
        if not step or frame.pts is None or len(self._table.shown) == 0:
            return counted
        return round((frame.pts - int(self._table.pts[self._table.shown[0]])) / step)

    def _keep(
        self, done: Passed, wanted: int, last: tuple[int, VideoFrame] | None,
        here: tuple[int, VideoFrame],
    ) -> None:  # fmt: skip
        if last and wanted - last[0] <= here[0] - wanted:
            here = last
        number, frame = here
        if number not in done.pictures:
            done.pictures[number] = self._show(frame)
        done.given[wanted] = number

    def _is_spoilt(self, frame: VideoFrame) -> bool:
        return isinstance(frame.opaque, Tag) and bool(self._spoilt[frame.opaque.ordinal])

    def _frames(self) -> Iterator[VideoFrame]:
        """Yield all frames that come out; mark what damage spoils up to the next start."""
        damage, starts = self._table.damaged, self._table.start
        spoilt = False
        self._log.news()
        for ordinal, packet in enumerate(demuxed(self._container, self._stream)):
            self._beat()
            here = ordinal < len(starts) and bool(starts[ordinal])
            spoilt = (spoilt and not here) or ordinal in damage
            packet.opaque = Tag(ordinal)
            self._spoilt.append(spoilt)
            frames, sound = self._decode(packet)
            spoilt = spoilt or not sound
            self._spoilt[ordinal] = spoilt
            yield from frames
        yield from self._decode(None)[0]

    def _decode(self, packet: av.Packet[VideoStream] | None) -> tuple[list[VideoFrame], bool]:
        """Return a packet's frames, and whether nothing was complained of."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            self._refused += 1
            self._log.news()
            return [], False
        return frames, not self._log.news()
