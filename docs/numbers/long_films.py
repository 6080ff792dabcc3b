"""Long films to measure on: numbered footage, played again and again without encoding it anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from files import LONG, X264
from footage import RATE, encode, make, small_pool

SIZE = 854, 480
LOOP = 300  # seconds of footage, which longer films repeat
QUICK_SIZE, QUICK_LOOP = (192, 128), 4
NOISE = "anoisesrc=r=44100:a=0.1:c=pink"
CONTAINERS = ("mp4", "mkv")


@dataclass(frozen=True, slots=True)
class LongFilm:
    """One film.

    Attributes:
        seconds: Its length.
        container: ``mp4`` or ``mkv``.
        sound: Whether it has a track of sound.
        size: Width and height of its pictures.
        loop: Seconds after which the footage comes again.
    """

    seconds: int
    container: str
    sound: bool
    size: tuple[int, int] = SIZE
    loop: int = LOOP

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.seconds} s{', sound' * self.sound}.{self.container}"

    @property
    def frames(self) -> int:
        """How many it has."""
        return self.seconds * RATE

    @property
    def period(self) -> int:
        """Frames after which the numbers drawn into the pictures begin anew."""
        return min(self.seconds, self.loop) * RATE


def films(lengths: tuple[int, ...], quick: bool) -> list[LongFilm]:
    """Return the films of some lengths in seconds: both containers, without and with sound."""
    size, loop = (QUICK_SIZE, QUICK_LOOP) if quick else (SIZE, LOOP)
    return [
        LongFilm(seconds, container, sound, size, loop)
        for container in CONTAINERS
        for sound in (False, True)
        for seconds in lengths
    ]


def build_film(film: LongFilm, cache: Path, *, quick: bool) -> Path:
    """Return a film's file, made unless it is there already."""
    path = cache / film.name
    if path.exists():
        return path
    seconds = min(film.seconds, film.loop)
    footage = cache / f"footage {seconds} s.mp4"
    if not footage.exists():
        options = (*X264, *LONG, "-movflags", "faststart")
        pool = small_pool(cache.parent, quick=quick)
        encode(footage, pool, options, size=film.size, frames=seconds * RATE)
    again = ("-stream_loop", str(film.seconds // seconds - 1), "-i")
    inputs, maps = (*again, str(footage)), ("-map", "0:v")
    if film.sound:
        inputs += (*again, str(_sound(seconds, cache)))
        maps += ("-map", "1:a")
    make(path, *inputs, *maps, "-c", "copy")
    return path


def _sound(seconds: int, cache: Path) -> Path:
    path = cache / f"sound {seconds} s.m4a"
    if not path.exists():
        make(path, "-f", "lavfi", "-i", f"{NOISE}:d={seconds}", "-c:a", "aac", "-b:a", "128k")
    return path
