"""The linear reader: decode everything once, for files whose packets have no reliable times.

Wanted frames are predicted from the number of packets; the frame count is checked at the end.
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

from ..demux.clock import mended
from ..demux.container import Heartbeat
from ..demux.libav_log import LibavLog
from ..demux.packet_table import Indices, PacketTable
from ..demux.packets import demuxed
from ..frames.render import RenderedFrame, RenderFrame
from .exact import PacketTag


@dataclass(slots=True)
class LinearPass:
    """Result of one pass over a whole file.

    Attributes:
        pictures: Of sound frames, by number.
        given: The index that replaces each wanted one.
        total: Frames, lost ones among them.
        lost: Frames that damage spoilt.
        indices: Of all frames that came out.
        times: Their seconds, NaN where unknown.
        wrong_times: How many times do not rise; those are mended.
    """

    pictures: dict[int, RenderedFrame] = field(default_factory=dict)
    given: dict[int, int] = field(default_factory=dict)
    total: int = 0
    lost: int = 0
    indices: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))
    wrong_times: int = 0

    def seconds(self, rate: float) -> npt.NDArray[np.float64]:
        """Return when each frame is shown, from the first, (total,)."""
        told, indices = np.array(self.times), np.array(self.indices, np.float64)
        times = mended(told)
        if times is None:
            return np.arange(self.total) / rate  # raw streams carry no times
        if not np.array_equal(times, np.sort(told)):  # else frames only had each other's
            self.wrong_times = int(np.sum(times != told))
        shown = np.interp(np.arange(self.total), indices, times)
        return np.asarray(shown - times[0], np.float64)


class LinearReader:
    """Passes once over one open file.

    Args:
        container: At its beginning.
        stream: Of that container.
        table: Of that stream.
        render: Turns a frame into what is kept of it.
        heartbeat: Called often.
        log: What libav says meanwhile.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        table: PacketTable,
        render: RenderFrame,
        heartbeat: Heartbeat,
        log: LibavLog,
    ) -> None:
        self._container, self._stream, self._table = container, stream, table
        self._render, self._heartbeat, self._log = render, heartbeat, log
        self._corrupt = bytearray()
        self._refused = 0

    def read(self, indices: Indices) -> LinearPass:
        """Decode everything and keep the wanted frames, or the sound ones nearest to them.

        Args:
            indices: Wanted, rising, in any length.
        """
        passed, number, last = LinearPass(), -1, None
        tick = float(self._table.time_base)
        left = sorted(set(indices.tolist()), reverse=True)
        for frame in self._frames():
            before, number = number, self._number(frame, number + 1 + self._refused)
            self._refused = 0
            passed.lost += number - before - 1
            if number <= before:
                number = before
                continue  # its time has passed: a frame that damage repeats
            passed.indices.append(number)
            pts = self._pts(frame)
            passed.times.append(float("nan") if pts is None else pts * tick)
            if frame.is_corrupt or self._is_corrupt(frame):
                passed.lost += 1
                continue
            while left and left[-1] <= number:
                self._keep(passed, left.pop(), last, (number, frame))
            last = number, frame
        while left and last:
            self._keep(passed, left.pop(), last, last)
        passed.total = number + 1 + self._refused
        passed.lost += self._refused
        return passed

    def _number(self, frame: VideoFrame, counted: int) -> int:
        """Return a frame's number: by its time where damage took some and the rate is constant."""
        step, pts = self._table.step, self._pts(frame)
        if not step or pts is None or len(self._table.display_order) == 0:
            return counted
        return round((pts - int(self._table.pts[self._table.display_order[0]])) / step)

    def _pts(self, frame: VideoFrame) -> int | None:
        """Return a frame's time, by the table where the clock starts anew."""
        tag, restarts = frame.opaque, self._table.restarts
        if not restarts or not isinstance(tag, PacketTag):
            return frame.pts
        return int(self._table.pts[tag.ordinal]) if tag.ordinal < self._table.count else None

    def _keep(
        self,
        passed: LinearPass,
        wanted: int,
        last: tuple[int, VideoFrame] | None,
        here: tuple[int, VideoFrame],
    ) -> None:
        if last and wanted - last[0] <= here[0] - wanted:
            here = last
        number, frame = here
        if number not in passed.pictures:
            passed.pictures[number] = self._render(frame)
        passed.given[wanted] = number

    def _is_corrupt(self, frame: VideoFrame) -> bool:
        return isinstance(frame.opaque, PacketTag) and bool(self._corrupt[frame.opaque.ordinal])

    def _frames(self) -> Iterator[VideoFrame]:
        """Yield all frames that come out; mark what damage spoils up to the next start."""
        damage, starts = self._table.damaged, self._table.start
        corrupt = False
        self._log.errors()
        for ordinal, packet in enumerate(demuxed(self._container, self._stream)):
            self._heartbeat()
            here = ordinal < len(starts) and bool(starts[ordinal])
            corrupt = (corrupt and not here) or ordinal in damage
            packet.opaque = PacketTag(ordinal)
            self._corrupt.append(corrupt)
            frames, intact = self._decode(packet)
            corrupt = corrupt or not intact
            self._corrupt[ordinal] = corrupt
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
            self._log.errors()
            return [], False
        return frames, not self._log.errors()
