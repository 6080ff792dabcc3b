"""Which video track is the film: not a cover, a preview or a still beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Status, VideoError
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import (
    LIMITS,
    REQUEST,
    X264,
    by_hand,
    convert,
    frames_by_ffmpeg,
    track_frames,
)

READERS = ("auto", "linear", "ffmpeg")
CODECS = {
    ".mkv": ("libx264", "mp3"),
    ".mp4": ("libx264", "aac"),
    ".avi": ("mpeg4", "mp3"),
    ".wmv": ("wmv2", "wmav2"),
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> dict[str, Path]:
    """A film of 40 frames, a preview of 12 that is smaller, a cover of one, and sound."""
    folder = tmp_path_factory.mktemp("pictures")
    sound = ("-f", "lavfi", "-i", "sine=duration=12", "-map", "1:a", "-c:a", "aac")
    return {
        "film": make_clip(folder / "film.mp4", *X264, seconds=4, size="96x64"),
        "preview": make_clip(
            folder / "preview.mp4", *X264, "-vf", "negate", seconds=1.2, size="48x32"
        ),
        "cover": make_clip(folder / "cover.jpg", "-frames:v", "1", size="80x80"),
        "sound": make_clip(folder / "sound.m4a", *sound),
    }


def beside(pictures: dict[str, Path], first: str, path: Path, *flags: str) -> Path:
    """Write a file whose track 0 is a cover or a preview and whose track 1 is the film."""
    codec = "mjpeg" if first == "cover" else CODECS[path.suffix][0]
    tracks = ("-map", "1:v", "-map", "0:v", "-c:v:0", codec, "-c:v:1", CODECS[path.suffix][0])
    shape = ("-pix_fmt:v:1", "yuv420p", "-bf", "0")
    return convert(pictures["film"], path, "-i", str(pictures[first]), *tracks, *shape, *flags)


@pytest.mark.parametrize("first", ["cover", "preview"])
@pytest.mark.parametrize("suffix", CODECS)
def test_the_film_is_read_where_it_is_track_1(pictures, tmp_path, suffix: str, first: str) -> None:
    path = beside(pictures, first, tmp_path / f"a{suffix}", "-disposition:v:0", "0")
    frames = track_frames(path, 1)
    for reader in READERS:
        found = read_video(path, replace(REQUEST, reader=reader), LIMITS)
        assert (found.info.track, found.status) == (1, Status.OK)
        assert found.info.frames == len(frames) == frames_by_ffmpeg(path, 1) == 40
        assert (found.info.width, found.info.height) == (96, 64)
        if reader != "ffmpeg":
            assert np.array_equal(found.pixels, np.stack([by_hand(frames[n]) for n in found.index]))


def test_a_small_track_of_a_higher_bit_rate_is_the_film_as_libav_has_it(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    calm = make_clip(tmp_path / "calm.mp4", *X264, "-vf", "hue=b=-10", seconds=4, size="192x128")
    noise = ("-vf", "noise=alls=90:allf=t", "-crf", "5")
    busy = make_clip(tmp_path / "busy.mp4", *X264, *noise, seconds=4, size="64x48")
    words = ("-i", str(calm), "-map", "0:v", "-map", "1:v", "-c", "copy", "-disposition:v", "0")
    path = convert(busy, tmp_path / "both.mp4", *words)
    with av.open(path) as container:
        assert container.streams.best("video").index == 0
    for reader in READERS:
        assert read_video(path, replace(REQUEST, reader=reader), LIMITS).info.track == 0


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_default_track_is_read_if_it_moves(pictures, tmp_path, suffix: str) -> None:
    flags = ("-disposition:v:0", "default", "-disposition:v:1", "0")
    preview = beside(pictures, "preview", tmp_path / f"preview{suffix}", *flags)
    cover = beside(pictures, "cover", tmp_path / f"cover{suffix}", *flags)
    for reader in READERS:
        found = read_video(preview, replace(REQUEST, reader=reader), LIMITS)
        assert (found.info.track, found.info.frames) == (0, 12)
        found = read_video(cover, replace(REQUEST, reader=reader), LIMITS)
        assert (found.info.track, found.info.frames) == (1, 40)


def test_of_a_single_track_the_number_is_0(pictures) -> None:
    assert {read_video(pictures["film"], REQUEST, LIMITS).info.track} == {0}


@pytest.mark.parametrize("reader", READERS)
def test_an_animated_avif_is_read_as_its_sequence(tmp_path, make_clip, reader: str) -> None:
    words = ("-c:v", "libaom-av1", "-cpu-used", "8")
    path = make_clip(tmp_path / "moving.avif", *words, seconds=3)
    found = read_video(path, replace(REQUEST, reader=reader), LIMITS)
    assert (found.info.frames, found.status) == (30, Status.OK)
    assert len({picture.tobytes() for picture in found.pixels}) == 25


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.avi", "a.wmv", "h264.mkv", "h264.mp4"])
def test_sound_with_a_cover_that_nothing_calls_so_is_no_video(
    pictures, tmp_path, name: str, reader: str
) -> None:
    path = tmp_path / name
    codecs = ("-c:v", "mjpeg") if name.startswith("a") else X264
    tracks = ("-map", "1:v", "-map", "0:a", "-c:a", CODECS[path.suffix][1])
    cover = ("-i", str(pictures["cover"]), *tracks, *codecs, "-disposition:v:0", "0")
    convert(pictures["sound"], path, *cover)
    with pytest.raises(VideoError, match="only picture is a cover") as caught:
        read_video(path, replace(REQUEST, reader=reader), LIMITS)
    assert caught.value.status is Status.NO_VIDEO


def test_sound_with_a_flagged_cover_says_so(pictures, tmp_path) -> None:
    cover = ("-i", str(pictures["cover"]), "-map", "1:v", "-map", "0:a", "-c", "copy")
    path = convert(
        pictures["sound"], tmp_path / "a.m4a", *cover, "-disposition:v:0", "attached_pic"
    )
    with pytest.raises(VideoError, match="but a cover picture") as caught:
        read_video(path, REQUEST, LIMITS)
    assert caught.value.status is Status.NO_VIDEO


def test_one_frame_beside_a_moment_of_sound_is_short(tmp_path, clip) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=1", "-frames:v", "1", *X264)
    found = read_video(convert(clip, tmp_path / "a.mp4", *sound), REQUEST, LIMITS)
    assert found.status is Status.SHORT


def test_tracks_of_an_unknown_codec_are_named_as_such(pictures, tmp_path) -> None:
    path = beside(pictures, "preview", tmp_path / "unknown.mkv", "-disposition", "0")
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEG4/ISO/XYZ"))
    with pytest.raises(VideoError, match="no decoder is known") as failed:
        read_video(path, REQUEST, LIMITS)
    assert failed.value.status is Status.CORRUPT
