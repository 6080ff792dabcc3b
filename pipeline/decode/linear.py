"""The linear reader: decode everything once, for files that one cannot jump in or trust."""

from __future__ import annotations

from collections.abc import Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.decode.scan import Beat


class LinearReader:
    """Yields every frame that decodes, and counts what does not.

    Attributes:
        errors: Packets that the decoder or the container refused.
    """

    def __init__(self) -> None:
        self.errors = 0

    def frames(
        self, container: InputContainer, stream: VideoStream, beat: Beat
    ) -> Iterator[VideoFrame]:
        """Yield the sound frames in presentation order."""
        for packet in self._packets(container, stream):
            beat()
            for frame in self._decode(stream, packet):
                if frame.is_corrupt:
                    self.errors += 1
                else:
                    yield frame

    def _packets(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[Packet[VideoStream]]:
        try:
            yield from container.demux(stream)  # ends with an empty packet, which flushes
        except av.error.FFmpegError:
            self.errors += 1

    def _decode(self, stream: VideoStream, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            return list(stream.decode(packet))
        except av.error.EOFError:
            return []
        except av.error.MemoryError:
            raise
        except av.error.FFmpegError:
            self.errors += 1
            return []
