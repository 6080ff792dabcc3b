"""The collections that whole extractions are measured on: distinct clips, short and very short."""

from __future__ import annotations

import csv
import json
import struct
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from footage import RATE, make, small_pool

SIZES = (426, 240), (640, 360), (854, 480)
SHORTEST, STEPS = 5, 6  # seconds: 5, 6 ... 10
X264 = ("-an", "-c:v", "libx264", "-preset", "veryfast", "-g", "250", "-bf", "3", "-threads", "1")
CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1},
}


@dataclass(frozen=True, slots=True)
class Videos:
    """The collections.

    Attributes:
        clips: Distinct clips of several seconds.
        tiny: Distinct files of one frame.
        counts: How many of the latter memory is measured at.
        old: How many of them others are added to.
    """

    clips: list[Path]
    tiny: list[Path]
    counts: tuple[int, int]
    old: int


def videos(cache: Path, *, quick: bool) -> Videos:
    """Make the videos, except those that are there already."""
    folder = cache / ("quick-extract" if quick else "extract")
    folder.mkdir(exist_ok=True)
    counts = (2, 8) if quick else (100, 10_000)
    source = small_pool(cache, quick=quick)
    clips = make_clips(folder / "clips", source, count=4 if quick else 200, quick=quick)
    tiny = make_tiny(folder / "tiny", source, count=counts[-1])
    return Videos(clips, tiny, counts, old=4 if quick else 1_000)


def make_clips(folder: Path, source: Path, *, count: int, quick: bool) -> list[Path]:
    """Make distinct clips of real footage, 5 to 10 s of 240p to 480p; those there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:03d}.mp4" for number in range(count)]

    def build(number: int) -> None:
        if not paths[number].exists():
            _clip(paths[number], source, number, quick=quick)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(build, range(count)))
    return paths


def _clip(path: Path, source: Path, number: int, *, quick: bool) -> None:
    width, height = (160, 120) if quick else SIZES[number % len(SIZES)]
    seconds = 1 if quick else SHORTEST + number % STEPS
    looks = [
        f"fps={RATE}",
        f"scale={width}:{height}:force_original_aspect_ratio=increase",
        f"crop={width}:{height}",
        *(["hflip"] * (number % 2)),
    ]
    begin = ("-stream_loop", "-1", "-ss", f"{0.093 * number:.3f}", "-threads", "1")
    limits = ("-t", str(seconds), "-vf", ",".join(looks))
    make(path, *begin, "-i", str(source), *limits, *X264)


def make_tiny(folder: Path, source: Path, *, count: int) -> list[Path]:
    """Make clips of half a second and one frame, each of other bytes, at next to no cost.

    They are one clip; a ``free`` box with a number at its end, which no reader looks into, makes
    each another content.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seed = folder.parent / "seed.mp4"
    if not seed.exists():
        looks = ("-t", "0.5", "-vf", "fps=2,scale=160:120")
        make(seed, "-i", str(source), *looks, "-frames:v", "1", *X264)
    data = seed.read_bytes()
    paths = [folder / f"{number:05d}.mp4" for number in range(count)]
    for number, path in enumerate(paths):
        if not path.exists():
            path.write_bytes(data + struct.pack(">I4sQ", 16, b"free", number))
    return paths


def write_list(path: Path, videos: Iterable[Path]) -> Path:
    """Write a manifest of some videos that lie below the manifest's folder."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        writer.writerows([str(video.relative_to(path.parent)), "", ""] for video in videos)
    return path


def make_clip_model(folder: Path) -> str:
    """Make a small random CLIP model, a second backbone, and return its name."""
    if not (folder / "open_clip_model.safetensors").exists():
        import open_clip
        import torch
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        facts = {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
        config = json.dumps({"model_cfg": CLIP, "preprocess_cfg": facts})
        (folder / "open_clip_config.json").write_text(config)
        save_file(open_clip.CLIP(**CLIP).state_dict(), folder / "open_clip_model.safetensors")
    return f"clip:local-dir:{folder.absolute()}"
