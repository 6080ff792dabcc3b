"""Twenty files named like videos that try to make a reader open something else."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.clips import H264, draw, ffmpeg

HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
KEY = '#EXT-X-KEY:METHOD=AES-128,URI="{}"\n'
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {} RTP/AVP 96\n"
DASH = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" '
    'width="64" height="48"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>'
)
BOM = "\ufeff"


def canaries(folder: Path) -> Path:
    """Draw the files that nobody may read: all magenta, and a text."""
    magenta = ("-f", "lavfi", "-i", "color=magenta:size=64x48:rate=10:duration=1", *H264)
    for name in ("canary.ts", "canary.mp4", "canary001.mp4"):
        ffmpeg(*magenta, folder / name)
    (folder / "secret.txt").write_text("the canary sings\n" * 20)
    return folder / "canary.ts"


def texts(canary: Path, port: int) -> dict[str, str]:
    """Return texts that name other files, by the name of a video."""
    http, secret = f"http://127.0.0.1:{port}/canary.ts", canary.with_name("secret.txt")
    return {
        "hls-local.mp4": HLS.format(canary),
        "hls-beside.mp4": HLS.format(canary.name),
        "hls-url.mp4": HLS.format(f"file://{canary}"),
        "hls-http.mp4": HLS.format(http),
        "hls.avi": HLS.format(canary),
        "hls.mkv": HLS.format(http),
        "hls-mark.mp4": BOM + HLS.format(canary),
        "hls-key.mp4": HLS.replace("#EXTINF", KEY.format(http) + "#EXTINF").format(canary),
        "hls-master.ts": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{http}.m3u8\n",
        "concat.mp4": f"ffconcat version 1.0\nfile '{canary}'\n",
        "concat-mark.mp4": BOM + f"ffconcat version 1.0\nfile '{canary}'\n",
        "concat-secret.mp4": f"ffconcat version 1.0\nfile '{secret}'\nduration 1\n",
        "concat-http.mkv": f"ffconcat version 1.0\nfile {http}\n",
        "concat-bare.mp4": f"file '{canary}'\nfile '{canary}'\n",
        "session.mp4": SDP.format(port),
        "dash-http.mp4": DASH.format(http),
        "dash-local.mp4": DASH.format(canary),
    }


def plant(folder: Path, port: int) -> tuple[list[Path], list[Path]]:
    """Make the twenty files; return those that are only a text, and those that hold a video."""
    canary = canaries(folder)
    playlists = []
    for name, text in texts(canary, port).items():
        (folder / name).write_text(text)
        playlists.append(folder / name)
    draw(folder / "canary%03d.mp4")
    shutil.copy(folder / "canary%03d.mp4", folder / "concat:canary.ts|canary.ts.mp4")
    draw(folder / "elsewhere.mov")
    _point_elsewhere(folder / "elsewhere.mov", "canary.mp4")
    named = ["canary%03d.mp4", "concat:canary.ts|canary.ts.mp4", "elsewhere.mov"]
    return playlists, [folder / name for name in named]


def _point_elsewhere(file: Path, target: str) -> None:
    """Say in a movie's header that its pictures lie in another file."""
    data = bytearray(file.read_bytes())
    entry = data.index(b"dref") + 12  # past version, flags and count
    size = int.from_bytes(data[entry : entry + 4], "big")
    place = f"{target}\0".encode()
    told = (12 + len(place)).to_bytes(4, "big") + b"url " + bytes(4) + place
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = data.rindex(box, 0, entry) - 4
        grown = int.from_bytes(data[at : at + 4], "big") + len(told) - size
        data[at : at + 4] = grown.to_bytes(4, "big")
    data[entry : entry + size] = told
    file.write_bytes(data)
