"""The packet table is that of a plain loop over packets, however it was come by."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from pathlib import Path

import av
import numpy as np
import pytest

from chainpipe.pipeline.decode.demux import scan
from chainpipe.pipeline.decode.demux.bitstream import PacketCheck, packet_checker
from chainpipe.pipeline.decode.demux.container import NoHeartbeat, open_video
from chainpipe.pipeline.decode.demux.libav_log import LibavLog
from chainpipe.pipeline.decode.demux.packet_batch import PADDING, BatchChecker, PacketBatch
from chainpipe.pipeline.decode.demux.packet_columns import UNKNOWN
from chainpipe.pipeline.decode.demux.packet_table import PacketTable
from chainpipe.pipeline.decode.demux.sample_table import has_sample_table, sample_table
from chainpipe.pipeline.decode.demux.scan import Scan
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.records import Status, VideoError
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import LIMITS, REQUEST, X264, convert

SOUND = ("-f", "lavfi", "-i", "sine=440:r=44100:duration=4", "-shortest")
AAC = ("-c:a", "aac")
CLIPS = {
    "b-frames.mp4": (*X264, "-g", "30", "-bf", "3"),
    "sound.mp4": (*SOUND, *X264, "-bf", "3", *AAC),
    "sound.mov": (*SOUND, *X264, "-bf", "2", "-movflags", "faststart", *AAC),
    "sound.mkv": (*SOUND, *X264, "-bf", "3", *AAC),
    "sound.avi": (*SOUND, "-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"),
    "sound.ts": (*SOUND, *X264, "-bf", "3", *AAC),
    "open.mp4": (*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"),
    "negative.mp4": (*X264, "-bf", "3", "-movflags", "negative_cts_offsets"),
    "fragmented.mp4": (*X264, "-g", "10", "-movflags", "frag_keyframe+empty_moov"),
    "vfr.mp4": (*X264, "-vf", "select='not(mod(n,7))+lt(n,10)'", "-fps_mode", "vfr"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=12"),
    "hevc.mkv": ("-c:v", "libx265", "-x265-params", "log-level=error:keyint=12"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-auto-alt-ref", "1", "-lag-in-frames", "12"),
    "vp9.mp4": ("-c:v", "libvpx-vp9", "-auto-alt-ref", "1", "-lag-in-frames", "12"),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "12", "-g", "20"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-bf", "2"),
    "flash.flv": ("-c:v", "flv", "-g", "10"),
    "raw.h264": (*X264, "-g", "12"),
    "moving.gif": (),
}
TABLED = ("b-frames.mp4", "sound.mp4", "sound.mov", "open.mp4", "negative.mp4", "vfr.mp4",
          "hevc.mp4", "vp9.mp4", "av1.mp4", "mpeg4.mp4")  # fmt: skip
AVCC = bytes([1, 100, 0, 31, 255, 225])  # units follow four bytes that tell their length
KEEPS = {"packets": scan.KEEP, "table": 0}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    found = {n: make_clip(folder / n, *words, seconds=4) for n, words in CLIPS.items()}
    found["cut.mp4"] = convert(
        found["sound.mp4"], folder / "cut.mp4", "-c", "copy", before=("-ss", "1.52")
    )
    found["late.mp4"] = convert(
        found["sound.mp4"], folder / "late.mp4", "-c", "copy", before=("-itsoffset", "2.5")
    )
    for box in (b"ctts", b"stss"):
        name = f"no-{box.decode()}.mp4"
        found[name] = folder / name
        found[name].write_bytes(found["b-frames.mp4"].read_bytes().replace(box, b"free"))
    return found


@dataclass
class Plain:
    """What a loop over packets finds, one at a time."""

    rows: list[tuple[int, int, int, bool, bool, bool]]
    damaged: set[int]


def by_loop(path: Path) -> Plain:
    """Look at each packet of the film as it comes."""
    found = Plain([], set())
    with LibavLog() as log, open_video(path, LIMITS) as (container, stream):
        context = stream.codec_context
        check = packet_checker(context.codec.canonical_name, context.extradata or b"")
        log.errors()
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                packet = None
            count = len(found.rows)
            if packet is not None and packet.stream_index == stream.index and packet.size:
                seen = check(bytes(packet)) if check else PacketCheck()
                if packet.is_corrupt or not seen.complete:
                    found.damaged |= {max(0, count - 1), count}
                key = packet.is_keyframe
                first_only = context.codec.name != "gif" or count == 0
                found.rows.append(
                    (
                        UNKNOWN if packet.pts is None else packet.pts,
                        UNKNOWN if packet.dts is None else packet.dts,
                        -1 if packet.pos is None else packet.pos,
                        key and seen.random_access and first_only,
                        key and seen.closed,
                        packet.is_discard or not seen.displayed,
                    )
                )
            if log.errors():
                found.damaged |= {max(0, len(found.rows) - 1), len(found.rows)}
            if packet is None:
                return found


def by_scan(path: Path, keep: int) -> PacketTable:
    with LibavLog() as log, open_video(path, LIMITS) as (container, stream):
        return Scan(path, LIMITS, NoHeartbeat(), log, keep=keep).table(container, stream)


@pytest.mark.parametrize("keep", KEEPS.values(), ids=KEEPS)
def test_a_table_has_what_a_plain_loop_finds(clips: dict[str, Path], keep: int) -> None:
    for name, path in clips.items():
        table, plain = by_scan(path, keep), by_loop(path)
        columns = np.array(plain.rows, object).T
        assert table.count == len(plain.rows), name
        pts, dts, pos, start, closed, hidden = (list(column) for column in columns)
        assert table.pts.tolist() == (pts if UNKNOWN not in pts else []), name
        assert table.dts.tolist() == [
            p if d == UNKNOWN else d for d, p in zip(dts, pts, strict=True)
        ], name
        assert table.pos.tolist() == pos, name
        assert table.start.tolist() == start, name
        assert table.closed.tolist() == closed, name
        assert table.hidden.tolist() == hidden, name
        assert table.damaged == {place for place in plain.damaged if place < table.count}, name


@pytest.mark.parametrize("name", TABLED)
def test_an_mp4_of_the_plain_kind_is_read_by_its_own_table(
    name: str, clips: dict[str, Path]
) -> None:
    with LibavLog(), open_video(clips[name], LIMITS) as (container, stream):
        assert has_sample_table(container, stream)
        samples = sample_table(clips[name], container, stream)
    assert samples is not None
    assert len(samples.pos) == len(by_loop(clips[name]).rows)


def test_fragments_have_no_table(clips: dict[str, Path]) -> None:
    path = clips["fragmented.mp4"]
    with LibavLog(), open_video(path, LIMITS) as (container, stream):
        assert sample_table(path, container, stream) is None


def facts(path: Path, keep: int) -> dict[str, object] | str:
    """Return everything that a table says, but for the packets; or what refused the file."""
    try:
        table = by_scan(path, keep)
    except VideoError as error:
        return f"{error.status} {error}"
    said = {one.name: getattr(table, one.name) for one in fields(table) if one.name != "packets"}
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in said.items()}


@pytest.mark.parametrize("name", ["b-frames.mp4", "sound.mov", "hevc.mp4", "vp9.mp4"])
def test_a_broken_table_or_broken_packets_change_nothing(
    name: str, clips: dict[str, Path], tmp_path: Path
) -> None:
    whole, chance, path = clips[name].read_bytes(), random.Random(1), tmp_path / name
    header = whole.index(b"moov")
    for trial in range(24):
        data = bytearray(whole)
        if trial % 4:  # bits of the header
            place = header + chance.randrange(min(1500, len(data) - header))
            data[place] ^= 1 << chance.randrange(8)
        else:
            place = chance.randrange(len(data) - 300)
            data[place : place + 300] = chance.randbytes(300)
        path.write_bytes(data)
        assert facts(path, 0) == facts(path, scan.KEEP), (trial, place)


def test_a_file_that_is_cut_off_has_no_table(clips: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.mov"
    whole = clips["sound.mov"].read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    assert facts(path, 0) == facts(path, scan.KEEP)


@pytest.mark.parametrize("name", ["sound.mp4", "cut.mp4", "hevc.mp4"])
def test_frames_are_the_same_by_table_and_by_packets(
    name: str, clips: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_packets = read_video(clips[name], REQUEST, LIMITS)
    monkeypatch.setitem(Scan.__init__.__kwdefaults__, "keep", 0)
    by_table = read_video(clips[name], REQUEST, LIMITS)
    np.testing.assert_array_equal(by_table.pixels, by_packets.pixels)
    np.testing.assert_array_equal(by_table.seconds, by_packets.seconds)
    np.testing.assert_array_equal(by_table.index, by_packets.index)
    assert (by_table.status, by_table.reader) == (by_packets.status, by_packets.reader)


@pytest.mark.parametrize("name", ["b-frames.mp4", "hevc.mp4", "vp9.mp4", "av1.mp4", "mpeg4.mp4"])
def test_packets_are_checked_at_once_as_one_by_one(name: str, clips: dict[str, Path]) -> None:
    with av.open(str(clips[name])) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        codec = context.codec.canonical_name, context.extradata or b""
        packets = [(bytes(one), one.is_keyframe) for one in container.demux(stream) if one.size]
    chance, check, checker = random.Random(2), packet_checker(*codec), BatchChecker(*codec)
    for _ in range(60):
        some = [(bytearray(data), key) for data, key in packets]
        for data, _ in some:
            kind = chance.randrange(6)
            if kind == 0:
                data[chance.randrange(min(12, len(data)))] = chance.randrange(256)
            elif kind == 1:
                place = chance.randrange(len(data))
                data[place : place + 3] = bytes(3)
            elif kind == 2:
                del data[chance.randrange(1, len(data) + 1) :]
        batch = batch_of([bytes(data) for data, _ in some], [key for _, key in some])
        found = checker(batch)
        for place, (data, key) in enumerate(some):
            one = check(bytes(data))
            assert found.complete[place] == one.complete
            assert found.displayed[place] == one.displayed
            if key:
                assert found.random_access[place] == one.random_access
                assert found.closed[place] == one.closed


@pytest.mark.parametrize("keep", KEEPS.values(), ids=KEEPS)
def test_a_damaged_packet_of_av1_is_seen(keep: int, clips: dict[str, Path], tmp_path: Path) -> None:
    whole, path = by_scan(clips["av1.mp4"], 0), tmp_path / "damaged.mp4"
    assert not whole.damaged
    data = bytearray(clips["av1.mp4"].read_bytes())
    data[whole.pos[30]] |= 0x81  # bits of the first unit's header that are always 0
    path.write_bytes(data)
    assert by_scan(path, keep).damaged >= {29, 30}
    assert read_video(path, REQUEST, LIMITS).status is Status.PARTIAL


@pytest.mark.parametrize("zeros", [0.02, 0.3, 1.0])
def test_zeros_in_a_row_are_damage_wherever_they_lie(zeros: float) -> None:
    chance = np.random.default_rng(3)
    check, checker = packet_checker("h264", AVCC), BatchChecker("h264", AVCC)
    for _ in range(20):
        packets = []
        for size in chance.integers(2, 400, 30).tolist():
            body = chance.integers(1, 256, size, np.uint8)
            body[chance.random(size) < zeros * chance.random()] = 0
            packets.append((size + 1).to_bytes(4, "big") + b"\x41" + body.tobytes())
        found = checker(batch_of(packets, [False] * len(packets)))
        assert check is not None
        assert found.complete.tolist() == [check(data).complete for data in packets]


def batch_of(packets: list[bytes], key: list[bool]) -> PacketBatch:
    size = np.array([len(data) for data in packets], np.int64)
    zeros, no = np.zeros_like(size), np.zeros(len(size), bool)
    data = np.frombuffer(b"".join(packets) + bytes(PADDING), np.uint8)
    return PacketBatch(
        zeros, zeros, zeros, size, zeros, np.array(key), no, no, data, np.cumsum(size) - size
    )
