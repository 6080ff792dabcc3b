"""Odd videos are shown upright, in plain colours, at the right seconds."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import FrameRequest
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Frames, Reader, Status
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import (
    BY_PROGRAM,
    LIMITS,
    REQUEST,
    X264,
    all_frames,
    convert,
)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the least cosine between two clips' frames, their means taken off."""
    flat = [clip.reshape(len(clip), -1).astype(np.float64) for clip in (a, b)]
    flat = [rows - rows.mean(axis=1, keepdims=True) for rows in flat]
    lengths = [np.linalg.norm(rows, axis=1) for rows in flat]
    return float(((flat[0] * flat[1]).sum(axis=1) / (lengths[0] * lengths[1])).min())


def read(path: Path, **more: object) -> Frames:
    return read_video(path, replace(REQUEST, **more), LIMITS)


@pytest.mark.parametrize("turn", [(90,), (180,), (270,), (0, "h"), (90, "h"), (0, "v"), (270, "v")])
def test_turned_and_mirrored_files_are_shown_as_ffmpeg_shows_them(clip, tmp_path, turn) -> None:
    angle, *mirror = turn
    flips = [word for way in mirror for word in (f"-display_{way}flip",)]
    before = ("-display_rotation", str(angle), *flips)
    turned = convert(clip, tmp_path / "turned.mp4", "-c", "copy", before=before)
    found, expected = read(turned), read_video(turned, BY_PROGRAM, LIMITS)
    assert found.index.tolist() == expected.index.tolist()
    assert np.abs(found.pixels.astype(int) - expected.pixels).mean() < 4
    assert np.abs(found.pixels.astype(int) - read(clip).pixels).mean() > 20
    assert (found.info.width < found.info.height) == (angle in (90, 270))
    assert (found.info.width, found.info.height) == (expected.info.width, expected.info.height)


def test_wide_pixels_are_made_square(tmp_path, make_clip) -> None:
    wide = make_clip(tmp_path / "wide.mp4", *X264, "-vf", "scale=160:240,setsar=2", size="320x240")
    found, plain = (
        read(wide, fit="pad"),
        read(make_clip(tmp_path / "plain.mp4", *X264, size="320x240"), fit="pad"),
    )
    assert (found.info.width, found.info.height) == (320, 240)
    assert cosine(found.pixels, plain.pixels) > 0.97


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_looks_like_its_plain_twin(tmp_path, make_clip, transfer: str) -> None:
    tags = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
    look = ("-vf", "eq=saturation=0.6:contrast=0.9", "-crf", "12")
    plain = make_clip(tmp_path / "sdr.mp4", *X264, *look, *tags, size="192x108", seconds=1)
    to_hdr = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,"
        "zscale=t=linear:npl=203:agamma=0,format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203:agamma=0,format=yuv420p10le"
    )
    words = ("-c:v", "libx265", "-x265-params", "log-level=error:crf=10", "-vf", to_hdr)
    colours = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    hdr = convert(plain, tmp_path / "hdr.mp4", *words, *colours)
    assert cosine(read(hdr).pixels, read(plain).pixels) > 0.99
    by_program = read(hdr, reader="ffmpeg").pixels.astype(int)
    assert np.abs(by_program - read(hdr).pixels).mean() < 6  # unmapped ones are 30 off


@pytest.mark.parametrize(
    ("name", "options"),
    [
        (
            "ten-bit.mp4",
            ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=0"),
        ),
        ("full-chroma.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv444p")),
        ("interlaced.mp4", (*X264, "-flags", "+ilme+ildct", "-vf", "setfield=tff")),
        ("late.mp4", (*X264, "-output_ts_offset", "7.7")),
        ("early.mkv", (*X264, "-bf", "2", "-output_ts_offset", "-0.4", "-avoid_negative_ts", "0")),
        ("gray.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv420p")),
    ],
)
def test_other_layouts_look_like_the_plain_twin(tmp_path, make_clip, name, options) -> None:
    plain = read(make_clip(tmp_path / "plain.mp4", *X264, size="128x96"))
    found = read(make_clip(tmp_path / name, *options, size="128x96"))
    assert (found.index.tolist(), found.status) == (plain.index.tolist(), plain.status)
    assert found.seconds == pytest.approx(plain.seconds, abs=0.002)
    assert cosine(found.pixels, plain.pixels) > 0.99


def test_interlaced_frames_are_scaled_as_progressive_ones(tmp_path, make_clip) -> None:
    lossless = (*X264, "-qp", "0")
    fields = (*lossless, "-flags", "+ilme+ildct", "-vf", "setfield=tff")
    plain = make_clip(tmp_path / "plain.mkv", *lossless, size="320x240")
    woven = make_clip(tmp_path / "fields.mkv", *fields, size="320x240")
    assert all(frame.interlaced_frame for frame in all_frames(woven))
    assert np.array_equal(read(woven).pixels, read(plain).pixels)


@pytest.mark.parametrize("size", ["65x47", "33x129", "1x1", "2x500"])
def test_odd_sizes_are_read(tmp_path, make_clip, size: str) -> None:
    odd = make_clip(tmp_path / "odd.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv444p", size=size)
    found = read(odd)
    assert f"{found.info.width}x{found.info.height}" == size
    assert found.pixels.shape == (25, 64, 64, 3)


def test_what_is_transparent_is_black(tmp_path, make_clip) -> None:
    clear = "format=gbrap,geq=r='255':g='255':b='255':a='if(lt(X,32),0,255)'"
    for name, codec in {"clear.mov": ("qtrle", "argb"), "clear.mkv": ("ffv1", "bgra")}.items():
        words = ("-vf", clear, "-c:v", codec[0], "-pix_fmt", codec[1])
        path = make_clip(tmp_path / name, *words, seconds=0.5)
        pixels = read(path, fit="squash").pixels
        assert pixels[:, :, :28].max() < 10
        assert pixels[:, :, 36:].min() > 245


def test_a_cover_is_no_video_where_there_is_one(tmp_path, clip) -> None:
    cover = convert(clip, tmp_path / "cover.jpg", "-frames:v", "1")
    inputs = ("-i", str(cover), "-map", "1:v", "-map", "0:v", "-c", "copy")
    path = convert(clip, tmp_path / "cover.mp4", *inputs, "-disposition:v:0", "attached_pic")
    for reader in ("auto", "ffmpeg"):
        assert read(path, reader=reader).info.frames == 20


@pytest.mark.parametrize("name", ["still.mp4", "still.mkv", "still.gif", "still.ts"])
def test_one_frame_is_a_short_video(tmp_path, make_clip, name: str) -> None:
    options = () if name.endswith("gif") else X264
    found = read(make_clip(tmp_path / name, *options, "-frames:v", "1"))
    assert found.status is Status.SHORT
    assert set(found.index.tolist()) == {0}
    assert set(found.seconds.tolist()) == {0.0}
    assert (found.pixels == found.pixels[0]).all()


@pytest.mark.parametrize("by", ["index", "time"])
def test_frames_of_no_duration_are_read(tmp_path, make_clip, by: str) -> None:
    path = make_clip(
        tmp_path / "zero.mkv", *X264, "-vf", "setpts=0*PTS", "-fps_mode", "passthrough"
    )
    assert read(path, by=by).pixels.shape[0] == 25


def test_a_varying_frame_rate_is_sampled_at_the_asked_seconds(tmp_path, make_clip) -> None:
    slow = "setpts='if(lt(N,40),N/20,2+(N-40)/5)/TB'"
    for name in ("vfr.mp4", "vfr.mkv"):
        path = make_clip(
            tmp_path / name, *X264, "-vf", slow, "-fps_mode", "vfr", seconds=4, rate="20"
        )
        found = read_video(path, FrameRequest(frames=25, size=64, by="time"), LIMITS)
        times = np.array([frame.time for frame in all_frames(path)])
        asked = (np.arange(25) + 0.5) * found.info.duration / 25
        shown = [np.flatnonzero(times - times[0] <= moment)[-1] for moment in asked]
        assert found.index.tolist() == shown
        assert found.seconds == pytest.approx((times - times[0])[shown])
        assert found.reader is Reader.EXACT


@pytest.mark.parametrize("rate", ["12", "25/2", "20", "240"])
def test_raw_streams_have_the_rate_that_their_bits_tell(tmp_path, make_clip, rate: str) -> None:
    x265 = ("-c:v", "libx265", "-x265-params", "log-level=error")
    for name, codec in {"raw.h264": X264, "raw.hevc": x265}.items():
        info = read(make_clip(tmp_path / name, *codec, seconds=1, rate=rate)).info
        assert info.fps == pytest.approx(float(Fraction(rate)))


@pytest.mark.parametrize("reader", ["exact", "linear"])
def test_a_comment_behind_the_last_picture_of_a_gif_is_no_frame(
    tmp_path: Path, make_clip: MakeClip, reader: str
) -> None:
    path = make_clip(tmp_path / "remark.gif", seconds=2)
    plain = read_video(path, replace(REQUEST, reader=reader), LIMITS)
    path.write_bytes(path.read_bytes()[:-1] + b"\x21\xfe\x05hello\0\x3b")
    remarked = read_video(path, replace(REQUEST, reader=reader), LIMITS)
    assert (plain.info.frames, remarked.info.frames) == (20, 20)
    assert np.array_equal(plain.index, remarked.index)
    assert plain.info.duration == pytest.approx(remarked.info.duration)
