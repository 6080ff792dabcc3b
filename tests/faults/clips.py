"""Videos that ffmpeg draws for the fault campaign, each in a few milliseconds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from chainpipe.pipeline.decode import ffmpeg_program

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1")


def ffmpeg(*words: object) -> None:
    """Run ffmpeg."""
    command = [ffmpeg_program(), "-v", "error", "-y", *map(str, words)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def draw(
    path: Path, *options: str, hue: int = 0, seconds: float = 0.4, size: str = "64x48",
    rate: int = 10,
) -> Path:  # fmt: skip
    """Draw a clip of ffmpeg's moving test card; its hue tells it from others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    card = f"testsrc2=duration={seconds}:size={size}:rate={rate},hue=h={hue}"
    ffmpeg("-f", "lavfi", "-i", card, *(options or H264), f"file:{path}")
    return path


def count(path: Path, *options: str, frames: int = 60, rate: int = 20, looks: str = "") -> Path:
    """Draw grey frames that are each a little brighter than the last: frame n is 16 + 3 n."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = f"color=black:size=96x64:rate={rate},format=yuv420p,geq=lum='16+3*N':cb=128:cr=128"
    grey += f",{looks}" if looks else ""
    ffmpeg("-f", "lavfi", "-i", grey, "-frames:v", frames, *(options or H264), f"file:{path}")
    return path


def library(folder: Path, videos: int) -> Path:
    """Draw so many different clips, a twin of the first, and one file that is no video."""
    for number in range(videos):
        draw(folder / f"{number:02}.mp4", hue=360 * number // videos)
    (folder / "twin.mp4").write_bytes((folder / "00.mp4").read_bytes())
    (folder / "text.mp4").write_text("not a video")
    return folder
