"""Damage is partial and never shifts a moment; what is whole is never called damaged."""

from pathlib import Path

import av
import numpy as np
import pytest

from chainpipe.pipeline.decode.demux.bitstream import packet_checker
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Frames, Reader, Status, VideoError
from tests.pipeline.decode.decode_samples import (
    BY_PROGRAM,
    LIMITS,
    REQUEST,
    X264,
    all_frames,
    by_hand,
    convert,
)

ROT = 2000  # bytes
SOUND = {
    "h264.mp4": ("-c", "copy"),
    "h264.mkv": ("-c", "copy"),
    "h264.ts": ("-c", "copy"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=30:crf=28"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-g", "30", "-deadline", "realtime", "-b:v", "400k"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-g", "30", "-bf", "0", "-q:v", "4"),
}
# Their times, indexes or headers tell each frame's number behind damage.
NUMBERED = ("h264.mp4", "h264.mkv", "h264.ts", "mpeg4.avi")
# What these codecs write inside a frame is an arithmetic code where nearly anything is valid.
MUTE = ("hevc.mp4", "vp9.webm")


@pytest.fixture(scope="module")
def sound(tmp_path_factory, make_clip) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sound")
    noise = ("-vf", "noise=alls=12:allf=t", "-g", "30", "-bf", "3", "-crf", "29")
    source = make_clip(folder / "w.mp4", *X264, *noise, seconds=6, size="192x144", rate="20")
    return {name: convert(source, folder / name, *words) for name, words in SOUND.items()}


def rotten(path: Path, folder: Path, rng: np.random.Generator, *, zeros: bool) -> Path:
    """Overwrite a random place in the middle half of a file."""
    data = bytearray(path.read_bytes())
    at = int(rng.integers(len(data) // 4, len(data) * 3 // 4 - ROT))
    data[at : at + ROT] = bytes(ROT) if zeros else rng.bytes(ROT)
    target = folder / f"rotten{path.suffix}"
    target.write_bytes(data)
    return target


def wrong_frames(found: Frames, truth: list[np.ndarray]) -> int:
    """Count delivered frames that are not the frame of their number."""
    pairs = zip(found.index.tolist(), found.pixels, strict=True)
    return sum(n >= len(truth) or not np.array_equal(truth[n], frame) for n, frame in pairs)


def campaign(path: Path, folder: Path, times: int) -> dict[str, int]:
    """Damage a file many times and count how reading it ended."""
    rng, truth = np.random.default_rng(1), [by_hand(frame) for frame in all_frames(path)]
    ends = {"partial": 0, "ok": 0, "silently wrong": 0, "wrong": 0, "failed": 0}
    for number in range(times):
        try:
            found = read_video(rotten(path, folder, rng, zeros=number % 2 == 1), REQUEST, LIMITS)
        except VideoError:
            ends["failed"] += 1
            continue
        wrong = wrong_frames(found, truth)
        ends[found.status.label] += 1
        ends["wrong"] += wrong > 0
        ends["silently wrong"] += wrong > 0 and found.status is Status.OK
    return ends


@pytest.mark.parametrize("name", SOUND)
def test_damage_in_the_middle_is_never_silent(sound, tmp_path, name: str) -> None:
    ends = campaign(sound[name], tmp_path, 12)
    assert ends["partial"] >= (4 if name in MUTE else 11)
    if name not in MUTE:
        assert ends["silently wrong"] == 0
    if name in NUMBERED:
        assert ends["wrong"] <= (1 if name == "h264.ts" else 0)  # a time itself may be damaged


@pytest.mark.soak
@pytest.mark.parametrize("name", SOUND)
def test_of_many_damaged_files_hardly_any_is_silent(sound, tmp_path, name: str) -> None:
    ends = campaign(sound[name], tmp_path, 200)
    print(name, ends)
    assert ends["silently wrong"] <= (60 if name in MUTE else 2)


def test_moments_behind_damage_keep_their_numbers_and_seconds(sound, tmp_path) -> None:
    for name in ("h264.mp4", "h264.mkv"):
        path, rng = sound[name], np.random.default_rng(3)
        whole = read_video(path, REQUEST, LIMITS)
        found = read_video(rotten(path, tmp_path, rng, zeros=False), REQUEST, LIMITS)
        assert found.info.frames == whole.info.frames
        kept = found.index == whole.index
        assert 5 < kept.sum() < 25
        assert np.array_equal(found.pixels[kept], whole.pixels[kept])
        assert found.seconds == pytest.approx(found.index / 20, abs=0.002)


def test_the_note_counts_expected_and_decoded_frames(sound, tmp_path) -> None:
    rng = np.random.default_rng(0)
    found = read_video(rotten(sound["h264.mp4"], tmp_path, rng, zeros=True), REQUEST, LIMITS)
    decoded, of, expected = found.note.split()[:3]
    assert of == "of"
    assert int(expected) == 120
    assert 0 < int(decoded) < 120


def test_the_linear_reader_keeps_numbers_through_damage(sound, tmp_path) -> None:
    raw = convert(sound["h264.mp4"], tmp_path / "raw.h264", "-c", "copy")
    truth = [by_hand(frame) for frame in all_frames(raw)]
    data = bytearray(raw.read_bytes())
    data[len(data) // 2 : len(data) // 2 + ROT] = bytes(ROT)
    raw.write_bytes(data)
    found = read_video(raw, REQUEST, LIMITS)
    assert found.status is Status.PARTIAL
    assert wrong_frames(found, truth) < 13


def test_numbers_behind_repeated_packets_of_a_stream_are_those_of_their_times(
    sound, tmp_path
) -> None:
    truth = [by_hand(frame) for frame in all_frames(sound["h264.ts"])]
    data = sound["h264.ts"].read_bytes()
    path, middle, piece = tmp_path / "again.ts", len(data) // 376 * 188, 188 * 20
    earlier = data[middle - piece : middle] * 2
    path.write_bytes(data[:middle] + earlier + data[middle + len(earlier) :])
    found = read_video(path, REQUEST, LIMITS)
    assert (found.status, found.reader) == (Status.PARTIAL, Reader.LINEAR)
    assert wrong_frames(found, truth) == 0
    assert found.seconds == pytest.approx(found.index / 20, abs=0.01)


def test_the_ffmpeg_reader_says_partial_too_and_keeps_numbers(sound, tmp_path) -> None:
    rng = np.random.default_rng(0)
    for name in ("h264.mp4", "h264.mkv"):
        whole = read_video(sound[name], BY_PROGRAM, LIMITS)
        found = read_video(rotten(sound[name], tmp_path, rng, zeros=False), BY_PROGRAM, LIMITS)
        assert found.status is Status.PARTIAL
        assert "of 120 frames could be decoded" in found.note
        assert found.seconds == pytest.approx(found.index / 20, abs=0.002)
        alike = (found.pixels == whole.pixels).all(axis=(1, 2, 3))
        assert 5 < alike.sum() < 25
        assert (found.index == whole.index)[alike].all()


@pytest.mark.parametrize(
    ("name", "options", "share"),
    [("cut.mp4", ("-movflags", "faststart"), 0.6), ("cut.webm", ("-c:v", "libvpx-vp9"), 0.6)],
)
def test_a_file_cut_off_after_its_header_is_partial(
    tmp_path, make_clip, name: str, options: tuple[str, ...], share: float
) -> None:
    whole = make_clip(tmp_path / name, *options, seconds=6, size="320x240")
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    found = read_video(whole, REQUEST, LIMITS)
    assert found.status is Status.PARTIAL
    assert "s are there" in found.note or "frames could be decoded" in found.note
    assert found.pixels.shape[0] == 25


def test_files_with_pauses_and_dropped_frames_are_whole(tmp_path, make_clip) -> None:
    pauses = ("-vf", "select='lt(n,40)+gt(n,90)*not(eq(n,100))'", "-fps_mode", "vfr", "-bf", "0")
    for name in ("pause.mp4", "pause.mkv"):
        path = make_clip(tmp_path / name, *X264, *pauses, seconds=8, rate="20")
        assert read_video(path, REQUEST, LIMITS).status is Status.OK
    path = make_clip(tmp_path / "drop.avi", "-c:v", "mpeg4", *pauses[:2], seconds=8, rate="20")
    assert read_video(path, REQUEST, LIMITS).status is Status.OK


def shape(frame: bytes) -> bytes:
    """Put a 4-byte length before a unit."""
    return len(frame).to_bytes(4, "big") + frame


AVCC, HVCC = b"\1\x64\0\x1f\xff", b"\1" + bytes(20) + b"\xff"


@pytest.mark.parametrize(
    ("codec", "extradata", "data", "whole"),
    [
        ("h264", AVCC, shape(b"\x65abc") + shape(b"\x06xy"), True),
        ("h264", AVCC, shape(b"\x65abc") + b"\0", False),
        ("h264", AVCC, shape(b"\xe5abc"), False),  # the forbidden bit
        ("h264", AVCC, shape(b"\x65a\0\0\0b"), False),
        ("h264", AVCC, bytes(40), False),
        ("h264", b"", b"\0\0\0\1\x65abc\0\0\1\x41xyz", True),
        ("h264", b"", b"\x65abc", False),
        ("hevc", HVCC, shape(b"\x26\1abc"), True),
        ("hevc", HVCC, shape(b"\xa6\1abc"), False),
        ("hevc", HVCC, shape(b"\x26\0abc"), False),  # no layer has time 0
        ("vp9", b"", b"\x82\x49\x83\x42\0", True),
        ("vp9", b"", b"\x82\x49\x83\x43\0", False),
        ("vp9", b"", b"\x12\x49\x83\x42\0", False),
        ("vp8", b"", b"\x10\0\0\x9d\1\x2a", True),
        ("vp8", b"", b"\x10\0\0\x9d\1\x2b", False),
        ("av1", b"", b"\x12\0\x0a\3abc", True),
        ("av1", b"", b"\x12\0\x0a\4abc", False),
        ("mpeg4", b"", b"\0\0\1\xb6abc", True),
        ("mpeg4", b"", b"\0\0\0\xb6abc", False),
        ("mjpeg", b"", b"\xff\xd8\xff\xda\1\2\xff\0\xff\xd9", True),
        ("mjpeg", b"", b"\xff\xd8\xff\xda\1\2\xff\x11\xff\xd9", False),
    ],
)
def test_a_look_at_a_packets_outside(codec, extradata, data, whole) -> None:
    check = packet_checker(codec, extradata)
    assert check is not None
    assert check(data).complete == whole


def test_a_file_without_any_key_frame_is_corrupt(clip, tmp_path) -> None:
    headless = convert(clip, tmp_path / "headless.mkv", "-c", "copy", "-bsf:v", "noise=drop=key")
    with pytest.raises(VideoError) as caught:
        read_video(headless, REQUEST, LIMITS)
    assert caught.value.status is Status.CORRUPT


def element(name: str, body: bytes) -> bytes:
    """Return an element of Matroska."""
    return bytes.fromhex(name) + (1 << 56 | len(body)).to_bytes(8, "big") + body


def found_element(data: bytes, name: str) -> bytes:
    """Return an element before the first cluster, whole, from a file of ffmpeg's."""
    begin = at = data[: data.index(bytes.fromhex("1f43b675"))].rindex(bytes.fromhex(name))
    at += len(name) // 2
    width = 9 - data[at].bit_length()
    size = int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1
    return data[begin : at + width + size]


def laced(source: Path, path: Path) -> Path:
    """Copy Matroska with six sounds in each block, as mkvmerge writes them."""
    with av.open(str(source)) as container:
        packets = [packet for packet in container.demux() if packet.size]
    blocks, waiting = [], []
    for packet in packets:
        if packet.stream_index == 0:
            flags = 0x80 * packet.is_keyframe
            blocks.append((packet.pts, 1, bytes([flags]) + bytes(packet)))
        else:
            waiting.append(packet)
        if len(waiting) == 6:  # all of one length: the lacing of fixed size
            body = bytes([0x84, 5]) + b"".join(map(bytes, waiting))
            blocks.append((waiting[0].pts, 2, body))
            waiting = []
    simple = (
        element("a3", bytes([0x80 | track]) + max(0, time).to_bytes(2, "big") + body)
        for time, track, body in blocks
    )
    data = source.read_bytes()
    head, segment = (
        data[: data.index(bytes.fromhex("18538067"))],
        bytes.fromhex("18538067") + b"\xff",
    )
    parts = [found_element(data, name) for name in ("1549a966", "1654ae6b")]
    cluster = element("1f43b675", element("e7", b"\0") + b"".join(simple))
    path.write_bytes(head + segment + b"".join(parts) + cluster)
    return path


def test_laced_sounds_are_no_gap(tmp_path, clip) -> None:
    sound = ("-f", "lavfi", "-i", "sine=duration=2", "-ar", "48000", "-c:a", "ac3", "-b:a", "96k")
    plain = convert(clip, tmp_path / "plain.mkv", *sound, *X264, "-g", "10")
    path = laced(plain, tmp_path / "laced.mkv")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(audio=0) if packet.size]
    assert len(places) > 3 * len(set(places))
    found, whole = read_video(path, REQUEST, LIMITS), read_video(plain, REQUEST, LIMITS)
    assert (found.status, found.reader) == (whole.status, Reader.EXACT)
    assert np.array_equal(found.pixels, whole.pixels)


def test_a_picture_with_start_codes_in_one_unit_is_whole(sound, tmp_path) -> None:
    with av.open(str(sound["h264.mp4"])) as given:
        packets = [packet for packet in given.demux(video=0) if packet.size]
        path = tmp_path / "phone.mp4"
        with av.open(str(path), "w") as made:
            stream = made.add_stream_from_template(given.streams.video[0])
            for packet in packets:
                data, at, units = bytes(packet), 0, []
                while at < len(data):
                    size = int.from_bytes(data[at : at + 4], "big")
                    units.append(data[at + 4 : at + 4 + size])
                    at += 4 + size
                unit = b"\x6e\x80\x00\x01" + b"".join(b"\0\0\0\1" + unit for unit in units)
                again = av.Packet(len(unit).to_bytes(4, "big") + unit)
                again.time_base, again.stream = packet.time_base, stream
                again.pts, again.dts = packet.pts, packet.dts
                again.is_keyframe = packet.is_keyframe
                made.mux(again)
    found, whole = (read_video(p, REQUEST, LIMITS) for p in (path, sound["h264.mp4"]))
    assert (found.status, found.reader) == (Status.OK, Reader.EXACT)
    assert np.array_equal(found.pixels, whole.pixels)
