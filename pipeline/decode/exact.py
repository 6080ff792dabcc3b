"""The exact reader: jump to each needed key frame, decode only references and targets.

Frames that no other frame refers to are skipped undecoded unless they are asked for, which leaves
every other frame bit for bit as a full decode makes it.
"""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.decode.scan import Beat, KeyFrame, PacketTable

# These lose their place when one jumps: their frames come from the linear reader.
NO_JUMPS = {"mpegts", "gif", "h264", "hevc", "mpeg"}


class LostError(Exception):
    """A jump landed behind its key frame, or a frame did not come out."""


def can_jump(container: InputContainer, stream: VideoStream, table: PacketTable) -> bool:
    """Return whether the exact reader may try this file."""
    name = container.format.name
    if name == "avi" and stream.codec_context.has_b_frames:
        return False  # avi does not say when reordered frames are shown; libav guesses
    return bool(table.keys) and name not in NO_JUMPS


def read_exact(
    container: InputContainer, stream: VideoStream, table: PacketTable, wanted: set[int], beat: Beat
) -> Iterator[VideoFrame]:
    """Yield the frames whose pts are ``wanted``, in no promised order.

    Raises:
        LostError: If the container or the decoder does not do as the table says.
    """
    for key, targets in _groups(table, wanted).items():
        missing, latest = set(targets), None
        for frame in _decode_group(container, stream, key, targets, beat):
            if frame.pts is None or (latest is not None and frame.pts <= latest):
                raise LostError("frames came out with times that do not rise")
            latest = frame.pts
            if frame.pts in missing:
                missing.discard(frame.pts)
                yield frame
        if missing:
            raise LostError(f"{len(missing)} frames did not come out")


def _groups(table: PacketTable, wanted: set[int]) -> dict[KeyFrame, set[int]]:
    """Put each target behind the last key frame that is shown no later."""
    starts = np.array([key.pts for key in table.keys])
    groups: dict[KeyFrame, set[int]] = {}
    for pts in sorted(wanted):
        place = max(0, int(np.searchsorted(starts, pts, side="right")) - 1)
        groups.setdefault(table.keys[place], set()).add(pts)
    return groups


def _decode_group(
    container: InputContainer, stream: VideoStream, key: KeyFrame, targets: set[int], beat: Beat
) -> Iterator[VideoFrame]:
    context, left = stream.codec_context, set(targets)
    for packet in _packets_from(container, stream, key):
        beat()
        if packet.pts is None or packet.pts < key.pts:
            continue  # an open group's leading frames need the group before
        asked = packet.pts in targets or packet.is_keyframe
        context.skip_frame = "DEFAULT" if asked else "NONREF"
        yield from _decode(context, packet)
        left.discard(packet.pts)
        if not left:
            break
    context.skip_frame = "DEFAULT"
    yield from _decode(context, None)


def _packets_from(
    container: InputContainer, stream: VideoStream, key: KeyFrame
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets from a key frame on; what a jump lands before it is not decoded."""
    # mov's index counts in decoding order, the others' in presentation order.
    to = key.dts if "mov" in container.format.name and key.dts is not None else key.pts
    reached = False
    try:
        container.seek(to, stream=stream, backward=True)
        for packet in container.demux(stream):
            if packet.size == 0 or packet.pts is None:
                continue
            reached = reached or packet.pts == key.pts
            if reached:
                yield packet
            elif packet.is_keyframe and packet.pts > key.pts:
                raise LostError("the jump landed behind its key frame")
    except av.error.FFmpegError as error:
        raise LostError(str(error)) from error


def _decode(context: VideoCodecContext, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    try:
        return list(context.decode(packet))
    except av.error.EOFError:
        return []
    except av.error.MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise LostError(str(error)) from error
