"""Odd videos: upright, in shape and colour like their plain twins, at the asked seconds."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from chainpipe.pipeline.backbones import build_backbone
from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from tests.faults.campaign import counts
from tests.faults.clips import count as draw_count
from tests.faults.clips import ffmpeg
from tests.faults.conftest import MakeCampaign

FINE = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "8", "-threads", "1")
PLAIN = (*FINE, "-pix_fmt", "yuv420p")
VP9 = ("-c:v", "libvpx-vp9", "-crf", "8", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "8")
HDR = "zscale=p=bt2020:t={0}:m=bt2020nc:r=limited:npl=203,format=yuv420p10"
TAGS = ("-color_primaries", "bt2020", "-colorspace", "bt2020nc", "-color_trc")
TURNS = {90: "transpose=clock", 180: "hflip,vflip", 270: "transpose=cclock"}
TAGGED = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
WINDOW = f"scale=out_range=tv:out_color_matrix=bt709,format=yuv444p,{TAGGED}"
ODD = {
    "ten bits": ("odd.mkv", "", (*FINE, "-pix_fmt", "yuv420p10")),
    "wide pixels": ("odd.mkv", "scale=iw:2*ih,setsar=2", PLAIN),
    "odd sizes": ("odd.mkv", "crop=639:479:0:0:exact=1", (*FINE, "-pix_fmt", "yuv444p")),
    "interlaced": ("odd.mkv", "setfield=tff", (*PLAIN, "-flags", "+ildct+ilme")),
    "alpha": ("odd.webm", "", (*VP9, "-pix_fmt", "yuva420p")),
    "HDR, PQ": ("odd.mkv", HDR.format("smpte2084"), (*FINE, *TAGS, "smpte2084")),
    "HDR, HLG": ("odd.mkv", HDR.format("arib-std-b67"), (*FINE, *TAGS, "arib-std-b67")),
}


def draw_photo(path: Path, looks: str, options: Sequence[str]) -> Path:
    """Draw a window that moves over a photograph."""
    photo = files("sklearn.datasets.images") / "china.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    window = f"crop=320:240:100+20*n:100,scale=640:480,{WINDOW}" + (f",{looks}" if looks else "")
    ffmpeg("-loop", 1, "-framerate", 10, "-i", photo, "-vf", window, "-frames:v", 4, *options, path)
    return path


def draw_turned(folder: Path, angle: int) -> Path:
    """Draw the clip lying on its side, with a note in the header to turn it back."""
    lying, turned = folder / f"{angle}.mp4", folder / f"turned-{angle}.mp4"
    draw_photo(lying, TURNS[angle], PLAIN)
    ffmpeg("-display_rotation", angle, "-i", lying, "-c", "copy", turned)
    return turned


def cosines(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Return the smallest cosine of two rows, (n, D) each."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / lengths).min())


@counts("odd-videos")
def test_odd_videos_have_the_features_of_their_plain_twins(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    pytest.importorskip("sklearn", reason="needs a photograph")
    plain = draw_photo(tmp_path / "plain.mkv", "", PLAIN)
    odd = {kind: draw_photo(tmp_path / kind / name, *how) for kind, (name, *how) in ODD.items()}
    odd |= {f"turned by {angle}": draw_turned(tmp_path, angle) for angle in TURNS}
    network = build_backbone("cnn", device="cpu", threads=1)
    request = FrameRequest(frames=2, size=network.size)
    with DecodeWorker() as worker, campaign("odd-videos", count) as found:
        duplicate = network.embed(worker.read(plain, request).pixels)
        for kind, file in odd.items():
            cosine = cosines(network.embed(worker.read(file, request).pixels), duplicate)
            found.check(cosine >= 0.99, f"{kind}: cosine {cosine:.4f}")
            found.figures[f"cosine, {kind}"] = round(cosine, 4)


FLAT = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-qp", "4", "-g", "20", "-bf", "2")
TIMES = {
    "steady.mp4": ("", FLAT),
    "varying.mkv": (
        "select='not(mod(n,7))+lt(n,30)',trim=end=3",
        (*FLAT, "-fps_mode", "passthrough"),
    ),
    "late.mkv": ("", (*FLAT, "-output_ts_offset", "3.3")),
    "early.mp4": ("", (*FLAT, "-output_ts_offset", "-0.5", "-avoid_negative_ts", "disabled")),
    "stream.ts": ("", FLAT),
    "raw.h264": ("", FLAT),
    "cut.mp4": ("", FLAT),
}
RATE, CUT = 20, 14


def shown_numbers(pixels: npt.NDArray[np.uint8]) -> list[int]:
    """Read the numbers of counted frames off their grey."""
    grey = pixels.astype(float).mean(axis=(1, 2, 3)) * 219 / 255
    return [round(level / 3) for level in grey]


@counts("odd-times")
def test_frames_are_shown_at_the_seconds_that_are_stored(
    tmp_path: Path, campaign: MakeCampaign, count: int
) -> None:
    with DecodeWorker() as worker, campaign("odd-times", count) as found:
        for name, (looks, options) in TIMES.items():
            file, first = draw_count(tmp_path / name, *options, looks=looks), 0
            if name == "cut.mp4":
                file, first = tmp_path / "cut-off.mp4", CUT
                start = f"{CUT / RATE - 0.01}"
                ffmpeg("-ss", start, "-i", tmp_path / name, "-c", "copy", file)
            if name == "early.mp4":
                first = 10 if worker.read(file, FrameRequest(99, size=32)).info.frames < 60 else 0
            for by in ("index", "time"):
                got = worker.read(file, FrameRequest(frames=10, size=32, by=by))
                off = np.abs(got.seconds - (np.array(shown_numbers(got.pixels)) - first) / RATE)
                asked = (np.arange(10) + 0.5) * got.info.duration / 10
                near = by == "index" or np.abs(got.seconds - asked).max() <= 7 / RATE
                found.check(off.max() <= 1.1 / RATE and near, (name, by, off.round(2), got.seconds))
