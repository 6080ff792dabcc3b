"""What a stream tells of its pictures: how they are turned, in which colours, of which kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from chainpipe.pipeline.decode.demux.orientation import told_orientation
from chainpipe.pipeline.decode.frames.colour_matrix import replace_matrix
from chainpipe.pipeline.decode.frames.pixels import display_matrix
from chainpipe.pipeline.decode.frames.render import FrameRenderer
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Frames, Status, VideoError
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import LIMITS, REQUEST, X264, all_frames, convert

READERS = ("auto", "linear", "ffmpeg")
H264 = (*X264, "-g", "10", "-bf", "2")


def read(path: Path, reader: str) -> Frames:
    return read_video(path, replace(REQUEST, fit="squash", reader=reader), LIMITS)


def told(source: Path, path: Path, **fields: str | int) -> Path:
    """Copy H.264 with other fields in its headers."""
    words = ":".join(f"{name}={value}" for name, value in fields.items())
    return convert(source, path, "-c", "copy", "-bsf:v", f"h264_metadata={words}")


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> Path:
    return make_clip(tmp_path_factory.mktemp("upright") / "a.mp4", *H264, seconds=3, size="96x64")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(
    ("turn", "flip"), [(90, ""), (180, ""), (270, ""), (0, "horizontal"), (90, "vertical")]
)
def test_all_frames_are_turned_as_the_stream_tells(upright, tmp_path, turn, flip, suffix) -> None:
    fields = {"rotate": turn} | ({"flip": flip} if flip else {})
    path = told(upright, tmp_path / f"a{suffix}", display_orientation="insert", **fields)
    marked = [display_matrix(frame) is not None for frame in all_frames(path)]
    assert 0 < sum(marked) < len(marked) / 2  # the decoder itself tells it of a few frames only
    for reader in READERS:
        found, plain = read(path, reader), read(upright, reader)
        mirrored = plain.pixels[:, :, ::-1] if flip == "horizontal" else plain.pixels
        mirrored = mirrored[:, ::-1] if flip == "vertical" else mirrored
        assert np.array_equal(found.pixels, np.rot90(mirrored, turn // 90, axes=(1, 2)))
        shape = (found.info.width, found.info.height)
        assert shape == ((64, 96) if turn in (90, 270) else (96, 64))


def test_the_container_tells_before_the_stream(upright, tmp_path) -> None:
    stream = told(upright, tmp_path / "a.mp4", display_orientation="insert", rotate=90)
    both = convert(stream, tmp_path / "b.mp4", "-c", "copy", before=("-display_rotation", "180"))
    for reader in ("auto", "linear"):  # the program decodes no frame that is told both
        found, plain = read(both, reader), read(upright, reader)
        assert np.array_equal(found.pixels, plain.pixels[:, ::-1, ::-1])


def sei(body: bytes) -> bytes:
    return b"\0\0\1\x06\x2f" + bytes([len(body)]) + body + b"\x80"


def test_orientations_are_read_out_of_messages() -> None:
    quarter = int("0" + "0" + "0" + f"{16384:016b}" + "010" + "00", 2).to_bytes(3, "big")
    assert told_orientation("h264", b"", sei(quarter)) == (0, -65536, 65536, 0)
    cancelled = bytes([quarter[0] | 128]) + quarter[1:]
    assert told_orientation("h264", b"", sei(cancelled)) is None
    assert told_orientation("h264", b"", b"no start code") is None
    assert told_orientation("h264", b"", b"\0\0\1\x65\x88\x84") is None
    assert told_orientation("vp9", b"", sei(quarter)) is None
    prefix = b"\0\0\1\x4e\x01\x2f\x03" + quarter + b"\x80"
    assert told_orientation("hevc", b"", prefix) == (0, -65536, 65536, 0)


@pytest.mark.parametrize("matrix", range(18))
def test_every_colour_matrix_gives_a_picture(upright, tmp_path, matrix: int) -> None:
    path = told(upright, tmp_path / "a.mp4", matrix_coefficients=matrix)
    wide = matrix in (9, 10, 12, 13, 14)
    like = told(upright, tmp_path / "like.mp4", matrix_coefficients=9 if wide else 2)
    for reader in READERS:
        found = read(path, reader)
        assert found.status is Status.OK
        rare = matrix == 8 or matrix >= 10
        assert ("colour matrix" in found.note) is rare
        if rare:
            assert np.array_equal(found.pixels, read(like, reader).pixels)


@pytest.mark.parametrize("transfer", [4, 9, 10, 11, 12, 17])
def test_rare_transfers_and_primaries_give_the_plain_picture(upright, tmp_path, transfer) -> None:
    path = told(upright, tmp_path / "a.mp4", transfer_characteristics=transfer, colour_primaries=10)
    for reader in READERS:
        found = read(path, reader)
        assert (found.status, found.note) == (Status.OK, "")
        assert np.array_equal(found.pixels, read(upright, reader).pixels)


def test_matrices_without_a_name_are_read_as_if_untold() -> None:
    frame = VideoFrame(16, 16, "yuv420p")
    frame.colorspace = 99
    assert replace_matrix(frame) == "colour matrix number 99 read as if untold"
    assert (int(frame.colorspace), replace_matrix(frame)) == (2, "")


def test_frames_that_cannot_be_converted_are_corrupt(monkeypatch) -> None:
    from av.error import OSError as LibavError

    def refuse(self: object, *args: object, **more: object) -> None:
        raise LibavError(95, "Operation not supported")

    monkeypatch.setattr("chainpipe.pipeline.decode.frames.pixels.Resizer.__call__", refuse)
    with pytest.raises(VideoError, match="cannot be converted: Operation not") as caught:
        FrameRenderer(REQUEST, (64,))(VideoFrame(16, 16, "yuv420p"))
    assert caught.value.status is Status.CORRUPT


class StereoFrame:
    """A frame of a stereo film: PyAV knows no name for what it says of its view."""

    rotation = 90

    @property
    def side_data(self) -> None:
        raise ValueError("29 is not a valid Type")


def test_a_frame_whose_side_data_pyav_does_not_know_is_turned_still() -> None:
    frame = StereoFrame()
    assert display_matrix(frame) == (0, -65536, 65536, 0)
    frame.rotation = 0
    assert display_matrix(frame) is None
