"""The second check on made libraries, and on small real videos: five answers and their reasons."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

import chainpipe
from chainpipe.hashing.matching.information import reasons
from chainpipe.hashing.matching.records import FrameSequence, Relation
from chainpipe.hashing.matching.second_check import SecondCheck, Thresholds, clocked

from .sequences import DIRECTIONS, RATE, path

STRANGERS = 24


def frames_of(film: np.ndarray, start: float, seconds: float, seed: int) -> np.ndarray:
    """25 frames of a part of a film, with noise and a shift that they share."""
    rng = np.random.default_rng(seed)
    rows = ((start + (np.arange(25) + 0.5) * seconds / 25) * RATE).astype(int)
    noise = 0.15 * rng.standard_normal((25, DIRECTIONS))
    return film[rows] + 0.5 * rng.standard_normal(DIRECTIONS) + noise


@pytest.fixture(scope="module")
def library() -> chainpipe.Store:
    """Strangers; then of film 0: the whole, a copy, a part, and what comes later in it."""
    films = [path(25, seed=seed, shots=5) for seed in range(STRANGERS)]
    videos = [frames_of(film, 0, 12, seed) for seed, film in enumerate(films)]
    videos += [frames_of(films[0], 0, 12, 50), frames_of(films[0], 4, 4, 51)]
    videos += [np.ones((25, DIRECTIONS))]
    return chainpipe.store_from_arrays(np.stack(videos).astype(np.float32))


def test_a_copy_a_part_and_strangers_are_told_apart(library: chainpipe.Store) -> None:
    check = SecondCheck.fit(library.raw)
    pairs = np.array([[0, STRANGERS], [0, STRANGERS + 1], *([0, k] for k in range(1, STRANGERS))])
    copy, part, *others = [verdict for *_, verdict in check.compare_rows(library.raw, pairs)]
    assert copy.relation is Relation.COPY
    assert "moves alike" in copy.reason
    assert copy.mirrored is None
    # The store has no times, so that all its videos seem to be of one length: a part looks fast.
    assert part.relation is not Relation.NOTHING
    assert not [v for v in others if v.relation in (Relation.COPY, Relation.PART_OF)]


def test_a_part_has_its_times() -> None:
    films = [path(25, seed=seed, shots=5) for seed in range(STRANGERS)]
    check = SecondCheck.fit(
        chainpipe.store_from_arrays(
            np.stack([frames_of(f, 0, 12, k) for k, f in enumerate(films)]).astype(np.float32)
        ).raw
    )
    clock = (np.arange(25) + 0.5) / 25
    whole = FrameSequence(frames_of(films[0], 0, 12, 60).astype(np.float32), clock * 12, 12.0)
    part = FrameSequence(frames_of(films[0], 4, 4, 61).astype(np.float32), clock * 4, 4.0)
    verdict = check.compare(part, whole)
    assert verdict.relation is Relation.PART_OF
    assert verdict.contained == "a"
    assert check.compare(whole, part).contained == "b"
    assert verdict.alignment is not None
    run = verdict.alignment.runs[0]
    assert (run.b_start, run.b_end) == (pytest.approx(4, abs=0.5), pytest.approx(8, abs=0.5))


def test_rows_are_compared_as_sequences_are(library: chainpipe.Store) -> None:
    check = SecondCheck.fit(library.raw)
    clock = np.arange(25) + 0.5
    a, b = (FrameSequence(library.raw.features(slice(k, k + 1))[0], clock, 25.0) for k in (0, 24))
    ((*_, by_rows),) = check.compare_rows(library.raw, np.array([[0, 24]]))
    alone = check.compare(a, b)
    assert by_rows.relation is alone.relation
    assert by_rows.alignment is not None
    assert alone.alignment is not None
    assert by_rows.alignment.score == pytest.approx(alone.alignment.score, abs=0.01)


def test_what_does_not_move_is_told(library: chainpipe.Store) -> None:
    found = reasons(library.raw, SecondCheck.fit(library.raw).space)
    assert found[-1] == "nothing moves"
    assert not any(found[:-1])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_small_libraries_have_the_usual_limits(count: int) -> None:
    videos = [frames_of(path(15, seed=seed), 0, 12, seed) for seed in range(count)]
    store = chainpipe.store_from_arrays(np.stack(videos).astype(np.float32))
    check = SecondCheck.fit(store.raw)
    assert check.thresholds == Thresholds(0.6, 0.4, 0.3, 0.26)


def test_an_empty_clock_counts_frames() -> None:
    seconds, duration = clocked(np.full(4, np.nan), np.nan)
    assert (seconds.tolist(), duration) == ([0.5, 1.5, 2.5, 3.5], 4.0)
    seconds, duration = clocked(np.array([0.0, 1.0]), 2.0)
    assert (seconds.tolist(), duration) == ([0.0, 1.0], 2.0)


def draw(source: str, target: Path, *words: str) -> None:
    """Draw six seconds of one of ffmpeg's moving pictures."""
    start = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*start, "-t", "6", *words, "-pix_fmt", "yuv420p", str(target)], check=True)


def test_real_videos(tmp_path: Path) -> None:
    size = "size=160x120:rate=12"
    sources = {
        "fractal": f"mandelbrot={size}",
        "life": f"life={size}:mold=10:ratio=0.2:seed=3:death_color=#203080:life_color=#ffffff",
        "card": f"testsrc2={size}",
        "colours": "gradients=size=160x120:rate=12:speed=0.06:seed=5",
        "rings": f"testsrc={size}",
    }
    folder = tmp_path / "videos"
    folder.mkdir()
    for name, source in sources.items():
        draw(source, folder / f"{name}.mp4")
    look = "eq=brightness=0.1:contrast=1.2"
    draw(sources["fractal"], folder / "fractal-copy.mp4", "-vf", look, "-crf", "32")
    draw(f"color=black:{size}", folder / "black.mp4")
    chainpipe.extract(folder, tmp_path / "feats.h5")
    with chainpipe.open_store(tmp_path / "feats.h5") as store:
        names = [Path(name.decode()).stem for name in store.raw.videos.paths]
        check = SecondCheck.fit(store.raw)
        apart = dict(zip(names, reasons(store.raw, check.space), strict=True))
        rows = [row for row, name in enumerate(names) if not apart[name]]
        pairs = np.array([(i, j) for i in rows for j in rows if i < j])
        found = list(check.compare_rows(store.raw, pairs))
    assert apart["black"] == "black"
    copies = [{names[i], names[j]} for i, j, v in found if v.relation is Relation.COPY]
    assert copies == [{"fractal", "fractal-copy"}]
