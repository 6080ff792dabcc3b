"""An empty or cut file is called so, by the sizes that it states itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainpipe.pipeline.backbones import fingerprint_of
from chainpipe.pipeline.extraction.single_videos import extract_features
from chainpipe.pipeline.inputs.file_end import cut_off, how_it_ends, promised_size
from chainpipe.pipeline.records import FailedVideo, Status, StoreMeta, VideoFeatures
from tests.pipeline.conftest import MakeClip
from tests.pipeline.extraction.test_extract import Tiny

META = StoreMeta(fingerprint_of(Tiny(), fit="crop"), 5)
KINDS = {
    "end.mp4": [],
    "front.mp4": ["-movflags", "faststart"],
    "a.mov": [],
    "a.mkv": [],
    "a.webm": ["-c:v", "libvpx"],
    "a.avi": [],
    "a.wmv": [],
}
UNSTATED = {
    "a.ts": [],
    "a.mpg": [],
    "a.flv": [],
    "a.ogv": ["-c:v", "libvpx"],
    "a.mxf": [],
    "a.ivf": ["-c:v", "libvpx"],
}


@pytest.mark.parametrize("name", KINDS)
def test_a_cut_file_says_how_long_it_should_be(
    make_clip: MakeClip, tmp_path: Path, name: str
) -> None:
    path = make_clip(tmp_path / name, *KINDS[name])
    data = path.read_bytes()
    assert cut_off(path) == ""
    path.write_bytes(data[:-1])
    assert how_it_ends(path) == f"ends after {len(data) - 1} bytes of {len(data)}" == cut_off(path)
    path.write_bytes(data[: len(data) // 2])
    assert how_it_ends(path).startswith(f"ends after {len(data) // 2} bytes")


@pytest.mark.parametrize("name", UNSTATED)
def test_a_small_file_of_unstated_length_ends_somewhere(
    make_clip: MakeClip, tmp_path: Path, name: str
) -> None:
    path = make_clip(tmp_path / name, *UNSTATED[name], rate="25")
    path.write_bytes(path.read_bytes()[:500])
    assert how_it_ends(path) == "ends after 500 bytes"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty file"),
        (b"not a video\n" * 99, ""),
        (b"\x1a\x45\xdf\xa3", ""),
        (b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff", ""),
        (b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x84ab", "ends after 12 bytes of 14"),
        (b"\0\0\0\x08ftyp\0\0\0\x01mdat" + (99).to_bytes(8, "big"), "ends after 24 bytes of 107"),
        (b"\0\0\0\x08ftyp\0\0\0\x00mdat1234", "ends after 20 bytes without an index: cut off or "
         "never finished"),
        (b"\0\0\0\x08ftyp\0\0\0\x08moov", "ends after 16 bytes without any pictures"),
        (b"\0\0\0\x08ftyp\0\0\0\x08moov\0\0\0\x00mdat1234", ""),
        (b"\0\0\0\x08ftyp\0\0\0\x05free1234", ""),
        (b"\0\0\0\x08ftyp\0\0\0\x08\xff\xff\xff\xff", ""),
        (b"\0\0\0\x08ftyp" * 1001, ""),
        (b"G", "ends after 1 bytes"),
        (b"FLV\x01" + bytes(70_000), ""),
    ],
)  # fmt: skip
def test_the_end_of_odd_bytes(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert how_it_ends(path) == told


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        how_it_ends(tmp_path / "a.mp4")


@pytest.mark.parametrize("cut", range(0, 60))
def test_no_head_is_too_short_to_be_looked_at(cut: int) -> None:
    heads = (b"\x1a\x45\xdf\xa3" + bytes(range(60)), b"RIFF" + b"\xff" * 56, b"\x30\x26" * 30)
    assert all(promised_size(head[:cut]) >= 0 for head in heads)


def test_what_cannot_be_decoded_is_told_by_its_end(make_clip: MakeClip, tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mp4", seconds=9, size="320x240").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[:9000])
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video\n" * 9)
    paths = [tmp_path / name for name in ("cut.mp4", "empty.mp4", "text.mp4")]
    cut, empty, text = extract_features(paths, META, workers=1, backbone=Tiny())
    for video in (cut, empty, text):
        assert isinstance(video, FailedVideo)
        assert video.status is Status.CORRUPT
    assert cut.message.startswith("ends after 9000 bytes")  # type: ignore[union-attr]
    assert empty.message == "empty file"  # type: ignore[union-attr]
    assert "ends" not in text.message  # type: ignore[union-attr]


def test_a_partial_video_says_where_its_file_ends(make_clip: MakeClip, tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", "-movflags", "faststart", seconds=9, size="320x240")
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size // 2])
    (video,) = extract_features([path], META, workers=1, backbone=Tiny())
    assert isinstance(video, VideoFeatures)
    assert video.status is Status.PARTIAL
    assert video.note.endswith(f"; ends after {size // 2} bytes of {size}")
