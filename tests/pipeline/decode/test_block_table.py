"""A Matroska file read by its blocks gives the table that libav's packets give, or none."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode.demux import block_walk, scan
from chainpipe.pipeline.decode.demux.block_table import block_batches, has_blocks
from chainpipe.pipeline.decode.demux.container import open_video
from chainpipe.pipeline.decode.demux.libav_log import LibavLog
from chainpipe.pipeline.decode.demux.scan import Scan
from chainpipe.pipeline.decode.readers.fallback import read_video
from tests.pipeline.conftest import MakeClip
from tests.pipeline.decode.decode_samples import LIMITS, REQUEST, X264, convert
from tests.pipeline.decode.matroska_writer import (
    OTHER,
    SOUND,
    Written,
    block,
    element,
    grouped,
    packets_of,
    simple,
    sound_track,
    write,
)
from tests.pipeline.decode.test_scan import by_loop, facts

VOID = 0xEC
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
SILENCE = ("-f", "lavfi", "-i", "sine=440:r=44100:duration=4", "-shortest", "-c:a", "libvorbis")
Source = tuple[bytes, list[Written]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, make_clip: MakeClip) -> Path:
    path = tmp_path_factory.mktemp("blocks") / "clip.mkv"
    return make_clip(path, *SILENCE, *X264, "-g", "25", "-bf", "3", seconds=4)


@pytest.fixture(scope="module")
def source(clip: Path) -> Source:
    return packets_of(clip)


def has_table(path: Path) -> bool:
    with LibavLog(), open_video(path, LIMITS) as (container, stream), open(path, "rb", 0) as file:
        assert has_blocks(container, stream)
        return None not in list(block_batches(file, container, stream))


def check(path: Path, *, plain: bool) -> None:
    """Check whether the blocks alone tell the table, and that it is that of the packets."""
    assert has_table(path) == plain
    assert facts(path, 0) == facts(path, scan.KEEP)


REMUXED = {
    "as-it-is.mkv": ((), True),
    "pictures-only.mkv": (("-an",), True),
    "many-clusters.mkv": (("-cluster_time_limit", "200"), True),
    "cues-in-front.mkv": (("-reserve_index_space", "4000"), True),
    "live.mkv": (("-live", "1"), False),
    "late.mkv": (("-output_ts_offset", "3.3"), True),
}


@pytest.mark.parametrize("name", REMUXED)
def test_files_of_ffmpeg(name: str, clip: Path, tmp_path: Path) -> None:
    words, plain = REMUXED[name]
    check(convert(clip, tmp_path / name, "-c", "copy", *words), plain=plain)


def test_a_file_without_an_index(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "no-cues.mkv"
    path.write_bytes(clip.read_bytes().replace(b"\x1c\x53\xbb\x6b", b"\x1c\x53\xbb\x6a"))
    check(path, plain=True)


def test_frames_of_a_varying_rate(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "vfr.mkv"
    looks = ("-vf", "select='not(mod(n,7))+lt(n,40)'", "-fps_mode", "vfr", "-an", *X264)
    check(convert(clip, path, *looks), plain=True)


@pytest.mark.parametrize("buffer", [1 << 12, 1 << 16])
def test_blocks_that_the_buffer_cuts(
    buffer: int, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_walk, "BUFFER", buffer)
    check(clip, plain=True)


def with_sound(packets: list[Written], track: int = SOUND) -> list[Written]:
    return [one for p in packets for one in (p, Written(p.time, True, bytes(700), track))]


def laced(packet: Written, start: int) -> bytes:
    return element(0xA3, block(packet, start, flags=128 * packet.key | 2))


def test_every_width_of_a_blocks_size(source: Source, tmp_path: Path) -> None:
    for width in (3, 4, 5, 8):
        path = tmp_path / f"{width}.mkv"
        write(path, *source, form=lambda p, start, width=width: simple(p, start, width=width))
        check(path, plain=True)


def test_blocks_in_groups(source: Source, tmp_path: Path) -> None:
    path = write(tmp_path / "groups.mkv", *source, form=grouped)
    check(path, plain=True)
    keys = [packet.key for packet in source[1]]
    assert [bool(row[3]) for row in by_loop(path).rows] == keys


def test_times_before_their_clusters(source: Source, tmp_path: Path) -> None:
    header, packets = source
    late = [Written(p.time + 5000, p.key, p.data) for p in packets]
    shifted = write(tmp_path / "signed.mkv", header, late, start_early=-300)
    check(shifted, plain=True)


STRANGE: dict[str, Callable[[Path, Source], Path]] = {
    "laced": lambda path, source: write(path, *source, form=laced),
    "a wide void": lambda path, source: write(path, *source, behind=element(VOID, bytes(400))),
    "a void outside": lambda path, source: write(path, *source, between=element(VOID, bytes(400))),
    "zeros": lambda path, source: write(path, *source, behind=bytes(5)),
    "an unknown element": lambda path, source: write(path, *source, behind=element(0xB1, b"x")),
    "an unknown track": lambda path, source: write(
        path, source[0], with_sound(source[1], OTHER), tracks=[sound_track()]
    ),
    "a packed track": lambda path, source: write(
        path, *source, entry=element(0x6D80, element(0x6240, element(0x5034, header_removal())))
    ),
    "an empty block": lambda path, source: write(
        path, source[0], [*source[1], Written(4000, False, b"")]
    ),
    "a duration without end": lambda path, source: write(path, *source, length=1e15),
    "time falls": lambda path, source: write(
        path, source[0], [*source[1], *source[1][:30]], a_cluster=10
    ),
}  # fmt: skip


def header_removal() -> bytes:
    return element(0x4254, 3) + element(0x4255, b"\0")


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_is_left_to_libav(name: str, source: Source, tmp_path: Path) -> None:
    check(STRANGE[name](tmp_path / "strange.mkv", source), plain=False)


PLAIN: dict[str, Callable[[Path, Source], Path]] = {
    "sound": lambda path, source: write(
        path, source[0], with_sound(source[1]), tracks=[sound_track()]
    ),
    "a narrow void": lambda path, source: write(path, *source, behind=element(VOID, bytes(40))),
    "one cluster": lambda path, source: write(path, *source, a_cluster=10_000),
}


@pytest.mark.parametrize("name", PLAIN)
def test_what_is_plain_is_read_by_its_blocks(name: str, source: Source, tmp_path: Path) -> None:
    check(PLAIN[name](tmp_path / "plain.mkv", source), plain=True)


def test_a_cluster_of_unknown_size(source: Source, tmp_path: Path) -> None:
    path = write(tmp_path / "unknown.mkv", *source)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x1f\x43\xb6\x75") + 4
    data[at : at + 8] = UNKNOWN_SIZE
    path.write_bytes(data)
    check(path, plain=False)


@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_file_that_is_cut_off(part: float, clip: Path, tmp_path: Path) -> None:
    whole, path = clip.read_bytes(), tmp_path / "cut.mkv"
    path.write_bytes(whole[: int(len(whole) * part)])
    check(path, plain=False)


def test_broken_bytes_change_nothing(clip: Path, tmp_path: Path) -> None:
    whole, chance, path = clip.read_bytes(), random.Random(1), tmp_path / "broken.mkv"
    cluster = whole.index(b"\x1f\x43\xb6\x75")
    for trial in range(40):
        data = bytearray(whole)
        if trial % 4 == 0:
            place = chance.randrange(len(data) - 300)
            data[place : place + 300] = chance.randbytes(300)
        else:  # a bit of the header, of the first blocks, of the index
            places = (cluster, cluster + 60, len(data) - 1)
            place = chance.randrange(max(0, places[trial % 4 - 1] - 200), places[trial % 4 - 1])
            data[place] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        assert facts(path, 0) == facts(path, scan.KEEP), (trial, place)


def test_frames_are_the_same_by_blocks_and_by_packets(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_packets = read_video(clip, REQUEST, LIMITS)
    monkeypatch.setitem(Scan.__init__.__kwdefaults__, "keep", 0)
    by_blocks = read_video(clip, REQUEST, LIMITS)
    np.testing.assert_array_equal(by_blocks.pixels, by_packets.pixels)
    np.testing.assert_array_equal(by_blocks.seconds, by_packets.seconds)
    np.testing.assert_array_equal(by_blocks.index, by_packets.index)
    assert (by_blocks.status, by_blocks.reader) == (by_packets.status, by_packets.reader)
