"""Packets of a Matroska track by its blocks' heads, without libav's reading of every track.

Libav reads some packets for comparison. Where they differ from the blocks in anything, or a file
is not of the plain kind, there is no table, and the packets must be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from itertools import islice

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from .block_walk import LARGE, UNTOLD, Blocks, BlockWalk, NotPlainError
from .matroska import outline
from .packet_batch import Indices, PacketBatch
from .packet_columns import UNKNOWN
from .packets import demuxed

# Whose packets libav gives as they lie there.
CODECS = ("h264", "hevc", "av1", "vp8", "vp9")
PLACES, PROBED = 4, 32  # packets that are read for comparison

POS, PTS, SIZE, DURATION, KEY, DTS = range(6)  # columns of what is compared


def has_blocks(container: InputContainer, stream: VideoStream) -> bool:
    """Return whether a track may have blocks that are understood here."""
    codec = stream.codec_context.codec.canonical_name
    return "matroska" in container.format.name and codec in CODECS


def block_batches(
    file: FileIO, container: InputContainer, stream: VideoStream
) -> Iterator[PacketBatch | None]:
    """Yield a track's packets; ``None`` as soon as only libav can tell.

    Args:
        file: Unbuffered.
        container: Of that file, at its beginning; some packets are read.
        stream: Of that container, for which :func:`has_blocks`.
    """
    try:
        plain = outline(file)
        if plain is None or len(plain.tracks) != _tracks(container):
            raise NotPlainError("not all tracks are known")
        probe = _Probe(container, stream)
        file.seek(probe.first)
        track = file.read(1)[0]
        if track not in plain.tracks - plain.encoded:
            raise NotPlainError("an encoded track")
        for blocks in BlockWalk(file, plain, track):
            yield probe.compared(blocks)
        probe.check_all_seen()
    except NotPlainError:
        yield None


def _tracks(container: InputContainer) -> int:
    """Return how many streams are tracks, not attachments such as fonts and covers."""
    kinds = ("video", "audio", "subtitle")
    pictures = Disposition.attached_pic
    return sum(one.type in kinds and not one.disposition & pictures for one in container.streams)


class _Probe:
    """Some packets as libav reads them: the first ones, and some here and there.

    Attributes:
        first: Byte position of the first.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        head = _told(container, stream)
        length = (container.duration or 0) / av.time_base / float(stream.time_base or 1)
        if not 0 <= length <= LARGE:
            raise NotPlainError("an impossible duration")
        parts = [head]
        for place in range(1, PLACES):
            time = int(length * place / PLACES) + (stream.start_time or 0)
            try:
                container.seek(time, stream=stream)
            except av.error.FFmpegError as error:
                raise NotPlainError(str(error)) from error
            parts.append(_told(container, stream))
        self._rows, self._head = np.concatenate(parts), len(head)
        if not all(map(len, parts)) or (self._rows[:, :3] < 0).any():
            raise NotPlainError("packets without a place or time")
        self.first = int(head[0, POS])
        self._duration = int(head[0, DURATION])
        # Libav holds back as many packets as the codec does, and then gives the lowest time.
        self._held = head[: int((head[:, DTS] == UNKNOWN).sum()), DTS]
        self._latest, self._seen = UNKNOWN, 0

    def compared(self, blocks: Blocks) -> PacketBatch:
        """Return blocks as packets.

        Raises:
            NotPlainError: If libav reads them otherwise.
        """
        duration = np.where(blocks.duration == UNTOLD, self._duration, blocks.duration)
        dts = self._decoding_times(blocks.time)
        columns = (blocks.pos, blocks.time, blocks.size, duration, blocks.key, dts)
        pos = self._rows[:, POS]
        probed = np.flatnonzero((pos >= blocks.pos[0]) & (pos <= blocks.pos[-1]))
        places = np.searchsorted(blocks.pos, pos[probed])
        # Behind a jump libav knows fewer of the times that decoding times follow from.
        for column in range(6):
            rows = probed < self._head if column == DTS else np.ones(len(probed), bool)
            told = columns[column][places[rows]]
            if (told != self._rows[probed[rows], column]).any():
                raise NotPlainError("libav reads another packet")
        self._seen += len(probed)
        no = np.zeros(len(dts), bool)
        facts = blocks.time, dts, blocks.pos, blocks.size, duration, blocks.key
        return PacketBatch(*facts, discard=no, corrupt=no, data=blocks.data, at=blocks.at)

    def _decoding_times(self, pts: Indices) -> Indices:
        """Return when packets are decoded: the lowest of their and the held back packets' times."""
        held = len(self._held)
        times = np.concatenate([self._held, pts])
        order = np.argsort(times, kind="stable")
        ranks = np.arange(len(order))
        if (order > ranks + held)[: len(pts)].any() or times[order[0]] < self._latest:
            raise NotPlainError("frames are held back for longer than the codec says")
        rising = times[order]
        self._held, self._latest = rising[len(pts) :], int(rising[len(pts) - 1])
        return rising[: len(pts)]

    def check_all_seen(self) -> None:
        """Check that all packets which libav read were among the blocks.

        Raises:
            NotPlainError: If not.
        """
        if self._seen != len(self._rows):
            raise NotPlainError("libav reads further packets")


def _told(container: InputContainer, stream: VideoStream) -> npt.NDArray[np.int64]:
    """Return what libav tells of some packets from where it is, (n, 6)."""
    rows = [
        (
            -1 if packet.pos is None else packet.pos,
            -1 if packet.pts is None or packet.is_corrupt or packet.is_discard else packet.pts,
            packet.size,
            packet.duration or 0,
            packet.is_keyframe,
            UNKNOWN if packet.dts is None else packet.dts,
        )
        for packet in islice(demuxed(container, stream), PROBED)
    ]
    return np.array(rows, np.int64).reshape(-1, 6)
