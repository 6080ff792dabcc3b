"""A stranger's file opens nothing but itself and costs no more than it may."""

import os
import resource
import socket
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainpipe.pipeline.decode import DecodeLimits, DecodeWorker, ffmpeg_program
from chainpipe.pipeline.decode.demux.container import NoHeartbeat
from chainpipe.pipeline.decode.readers.fallback import read_video
from chainpipe.pipeline.decode.readers.ffmpeg_process import run_program
from chainpipe.pipeline.records import Status, VideoError
from tests.pipeline.decode.decode_samples import LIMITS, REQUEST, X264, convert

REFUSED = {Status.REFUSED, Status.CORRUPT, Status.NO_VIDEO}
READERS = ("auto", "exact", "linear", "ffmpeg")


def playlists(canary: Path, port: int) -> dict[str, bytes]:
    """Return texts that name another file or host, by what they are."""
    http = f"http://127.0.0.1:{port}/a.ts"
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{canary}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile '{canary}'\n"
    dash = (
        '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        f"<Period><AdaptationSet><Representation id='1'><BaseURL>{canary}</BaseURL>"
        "</Representation></AdaptationSet></Period></MPD>"
    )
    sdp = f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\n"
    return {
        "hls": hls.encode(),
        "hls of a host": hls.replace(str(canary), http).encode(),
        "hls key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{http}"\n{canary}\n'.encode(),
        "hls master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{canary}\n".encode(),
        "hls behind a mark": b"\xef\xbb\xbf" + hls.encode(),
        "hls behind blanks": b"\n\n  " + hls.encode(),
        "hls of wide letters": hls.encode("utf-16"),
        "ffconcat": concat.encode(),
        "ffconcat of a host": concat.replace(str(canary), http).encode(),
        "ffconcat of wide letters": concat.encode("utf-16-le"),
        "concat script": f"file '{canary}'\n".encode(),
        "dash": dash.encode(),
        "dash without a head": dash.split("\n", 1)[1].encode(),
        "sdp": sdp.encode(),
        "asx": f'<asx version="3.0"><entry><ref href="{http}"/></entry></asx>'.encode(),
        "pls": f"[playlist]\nFile1={canary}\nNumberOfEntries=1\n".encode(),
        "smil": f'<smil><body><video src="{canary}"/></body></smil>'.encode(),
        "redirection": f"[Reference]\nRef1={http}\n".encode(),
        "rtsp text": f"RTSPtext\nrtsp://127.0.0.1:{port}/\n".encode(),
        "imf": f"<CompositionPlaylist>{canary}</CompositionPlaylist>".encode(),
    }


@pytest.fixture
def listener():
    """A host that counts who calls."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                calls.append(1)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], calls
        ended.set()
        thread.join()


def test_no_playlist_is_followed_by_any_reader(tmp_path, clip, listener) -> None:
    port, calls = listener
    canary = convert(clip, tmp_path / "canary.ts", *X264)
    for number, (name, text) in enumerate(playlists(canary, port).items()):
        path = tmp_path / f"{number}.{('mp4', 'mkv', 'ts', 'avi')[number % 4]}"
        path.write_bytes(text)
        for reader in READERS:
            with pytest.raises(VideoError) as caught:
                read_video(path, replace(REQUEST, reader=reader), LIMITS)
            assert caught.value.status in REFUSED, name
    assert not calls


def test_a_movie_that_points_to_another_file_shows_nothing_of_it(tmp_path, clip) -> None:
    data = bytearray(clip.read_bytes())
    entry = data.index(b"url ", data.index(b"dref"))
    flag = entry + 7  # "in this same file"
    assert data[flag] == 1
    data[flag] = 0
    path = tmp_path / "outside.mov"
    path.write_bytes(data)
    for reader in ("auto", "ffmpeg"):
        try:
            found = read_video(path, replace(REQUEST, reader=reader), LIMITS)
        except VideoError:
            continue
        assert found.info.frames == 20  # its own frames and no others


@pytest.mark.parametrize("name", ["%03d.mp4", "-i.mp4", "concat:a|b.mp4", "http:x.mp4", "pipe:0"])
def test_names_are_names_and_nothing_else(tmp_path, clip, name: str) -> None:
    (tmp_path / "001.mp4").write_text("not a video")
    path = tmp_path / name
    path.write_bytes(clip.read_bytes())
    for reader in ("auto", "ffmpeg"):
        assert read_video(path, replace(REQUEST, reader=reader), LIMITS).info.frames == 20


def test_what_is_no_plain_file_is_refused(tmp_path) -> None:
    os.mkfifo(tmp_path / "fifo.mp4")
    for path in (tmp_path / "fifo.mp4", tmp_path, Path("/dev/zero")):
        for reader in ("auto", "ffmpeg"):
            with pytest.raises(VideoError, match="not a regular file") as caught:
                read_video(path, replace(REQUEST, reader=reader), LIMITS)
            assert caught.value.status is Status.REFUSED


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DecodeLimits(pixels=100), "64x48 is more than 100 pixels"),
        (DecodeLimits(frames=19), "more than 19 frames"),
        (DecodeLimits(duration=1.5), "2 s is more than 2 s"),
    ],
)
def test_too_much_is_a_limit(clip, limits: DecodeLimits, words: str) -> None:
    for reader in ("auto", "linear"):
        with pytest.raises(VideoError, match=words) as caught:
            read_video(clip, replace(REQUEST, reader=reader), limits)
        assert caught.value.status is Status.LIMIT


@pytest.mark.parametrize(
    "limits", [DecodeLimits(pixels=100), DecodeLimits(frames=19), DecodeLimits(duration=1.5)]
)
def test_the_ffmpeg_reader_has_limits_too(clip, limits: DecodeLimits) -> None:
    with pytest.raises(VideoError) as caught:
        read_video(clip, replace(REQUEST, reader="ffmpeg"), limits)
    assert caught.value.status in (Status.LIMIT, Status.CORRUPT)


class _Hurried(NoHeartbeat):
    """A beat of a video that may take one second more."""

    lasted = 0.0

    def set_duration(self, seconds: float) -> None:
        self.lasted = seconds

    def left(self) -> float:
        return 1.0


@pytest.mark.parametrize("reader", ["exact", "linear", "ffmpeg"])
def test_every_reader_asks_for_the_time_that_the_video_lasts(clip, reader: str) -> None:
    heartbeat = _Hurried()
    read_video(clip, replace(REQUEST, reader=reader), LIMITS, heartbeat)
    assert heartbeat.lasted == pytest.approx(2)


def test_a_program_gets_no_more_time_than_its_video_has_left() -> None:
    endless = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(VideoError, match="SIGKILL") as caught:
        run_program(endless, [(["-f", "framecrc"], len)], _Hurried())
    assert caught.value.status is Status.LIMIT
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 2


def test_two_frames_ten_hours_apart_cost_nothing(tmp_path, make_clip) -> None:
    far = make_clip(tmp_path / "far.mkv", *X264, "-vf", "setpts=N*36000/TB", seconds=0.2)
    for reader in ("auto", "linear", "ffmpeg"):
        start = time.process_time() + sum(os.times()[2:4])
        found = read_video(far, replace(REQUEST, reader=reader, by="time"), LIMITS)
        assert time.process_time() + sum(os.times()[2:4]) - start < 1.5
        assert found.info.frames == 2
        assert found.info.duration > 35_000


def test_a_file_that_grows_while_it_is_read_ends(tmp_path, make_clip) -> None:
    clip = make_clip(tmp_path / "clip.ts", *X264, "-g", "10", seconds=4)
    path, data, ended = tmp_path / "growing.ts", clip.read_bytes(), threading.Event()
    path.write_bytes(data)

    def grow() -> None:  # slowly, so that it still grows when a busy machine begins to read
        with path.open("ab") as file:
            while not ended.wait(0.005) and file.tell() < 400 << 20:
                file.write(data[: 188 * 200])

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        with pytest.raises(VideoError, match="grows while it is read") as caught:
            _read_often(path)
        assert caught.value.status is Status.CHANGED
    finally:
        ended.set()
        thread.join()


def _read_often(path: Path) -> None:
    for _ in range(50):  # the disk may pause for as long as a reading takes
        read_video(path, REQUEST, LIMITS)


def test_a_killed_child_takes_its_program_with_it(tmp_path, make_clip) -> None:
    long = make_clip(tmp_path / "long.mp4", "-c:v", "mpeg4", seconds=40, size="640x480", rate="25")
    with DecodeWorker() as worker:
        worker._started()
        done = threading.Thread(target=_read_quietly, args=(worker, long))
        done.start()
        assert _wait_for(lambda: _programs(long))
        worker.interrupt()
        done.join()
        assert _wait_for(lambda: not _programs(long))


def _read_quietly(worker: DecodeWorker, path: Path) -> None:
    with pytest.raises(VideoError):
        worker.read(path, replace(REQUEST, reader="ffmpeg"))


def _programs(path: Path) -> list[str]:
    """Return the ffmpeg programs that have a file's name on their command line."""
    listed = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(os.fsencode(ffmpeg_program())) and os.fsencode(path) in words:
            listed.append(folder.name)
    return listed


def _wait_for(happened) -> bool:
    for _ in range(200):
        if happened():
            return True
        time.sleep(0.05)
    return False


def broken_file(folder: Path, clip: Path, kind: str) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is not a video\n" * 50)
        case "noise":
            path.write_bytes(np.random.default_rng(0).bytes(50_000))
        case "truncated":
            path.write_bytes(clip.read_bytes()[:-900])
        case "audio":
            sound = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac"]
            subprocess.run([ffmpeg_program(), "-v", "error", *sound, path], check=True)
        case "cover":
            audio = broken_file(folder, clip, "audio")
            cover = ("-i", str(clip), "-map", "0:a", "-map", "1:v", "-c:a", "copy")
            picture = ("-c:v", "mjpeg", "-frames:v", "1", "-disposition:v:0", "attached_pic")
            convert(audio, path, *cover, *picture)
    return path


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("empty", {Status.CORRUPT}),
        ("text", {Status.CORRUPT, Status.REFUSED}),
        ("noise", {Status.CORRUPT, Status.REFUSED}),
        ("truncated", {Status.CORRUPT}),
        ("audio", {Status.NO_VIDEO}),
        ("cover", {Status.NO_VIDEO}),
    ],
)
def test_bad_files_are_classed(tmp_path, clip, kind, statuses) -> None:
    with pytest.raises(VideoError) as caught:
        read_video(broken_file(tmp_path, clip, kind), REQUEST, LIMITS)
    assert caught.value.status in statuses
