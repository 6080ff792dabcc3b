"""Measure `chainpipe find`: recall, ends, false alarms and cost, on sets whose truth is known.

A set is a folder that `make_films.py` wrote: films/, queries/, queries.csv.

    python docs/numbers/bench_films.py prepare SET [SET ...]        # extracts films and queries
    python docs/numbers/bench_films.py measure NAME=SET ... --out docs/numbers/films.csv
    python docs/numbers/bench_films.py growth --hours 10 100 1000
    python docs/numbers/bench_films.py report                       # tables of films.md, films.png
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from made_footage import MadeFrames, made_index
from page import table

from chainpipe.hashing.films.finder import ClipFinder, refined
from chainpipe.hashing.films.library import clip_finder
from chainpipe.hashing.matching.records import F32, FrameSequence
from chainpipe.hashing.matching.space import unit
from chainpipe.pipeline.store import FeatureStore, open_store

HERE = Path(__file__).parent
FILMS, QUERIES = "films.h5", "queries.h5"
EVERY = {"films": 0.5, "queries": 0.25}
LATE = 0.02  # false alarms that are allowed


@dataclass(frozen=True, slots=True)
class Truth:
    """Where a query was cut out; ``film`` is -1 where it is in none."""

    film: int
    start: float
    end: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Found:
    """The best answer to a query, sure or not."""

    film: int
    start: float
    end: float
    score: float


def prepare(folder: Path) -> None:
    """Extract the films and the queries of a set; twice does nothing."""
    for name, out in (("films", FILMS), ("queries", QUERIES)):
        words = ["extract", str(folder / name), "--every", str(EVERY[name])]
        command = [sys.executable, "-m", "chainpipe", *words, "--out", str(folder / out)]
        subprocess.run(command, check=True)


def truths(folder: Path, store: FeatureStore, names: Sequence[bytes]) -> list[Truth]:
    """Return the truth of some queries, by name of their files."""
    films = [path.decode() for path in store.videos.paths]
    with (folder / "queries.csv").open(newline="") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    found = []
    for name in names:
        row = rows[name.decode()]
        film = films.index(f"{row['film']}.mp4") if row["film"] else -1
        times = float(row["start"] or 0), float(row["end"] or 0), float(row["seconds"])
        found.append(Truth(film, *times))
    return found


@contextmanager
def quiet(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show no progress."""
    yield lambda count: None


def clips_of(store: FeatureStore) -> list[FrameSequence]:
    """Return the queries of a set."""
    found = []
    for row, duration in enumerate(store.videos.duration.tolist()):
        frames = store.sequence(row)
        found.append(FrameSequence(frames.features.astype(np.float32), frames.seconds, duration))
    return found


def ours(finder: ClipFinder, clip: FrameSequence) -> Found:
    """Return the best place of a clip, whatever its score."""
    projected = finder.projected(clip)
    found = finder.candidates(projected)
    if not found:
        return Found(-1, 0.0, 0.0, 0.0)
    place = refined(projected, found[0])
    return Found(place.row, place.start, place.end, place.score)


def sliding(films: Sequence[tuple[F32, np.ndarray, float]], clip: FrameSequence) -> Found:
    """Return the best place by the mean cosine of frames at the films' own speed: a plain rival."""
    query = unit(clip.features)
    best = Found(-1, 0.0, 0.0, -1.0)
    for row, (features, seconds, duration) in enumerate(films):
        offsets = np.arange(0.0, max(duration - clip.duration, 0.0) + 0.01, 0.25)
        at = np.searchsorted(seconds, offsets[:, None] + clip.seconds)
        at = np.clip(at, 0, len(seconds) - 1)
        cosines = query @ features.T
        scores = cosines[np.arange(len(query)), at].mean(axis=1)
        k = int(scores.argmax())
        if scores[k] > best.score:
            offset = float(offsets[k])
            best = Found(row, offset, offset + clip.duration, float(scores[k]))
    return best


def scored(
    found: Sequence[Found], truth: Sequence[Truth], threshold: float | None
) -> dict[str, float]:
    """Return recall, ends and false alarms.

    A query is found if the film is right and the answer covers more than half of the stretch.
    """
    right, ends, scores, wrong, seconds = [], [], [], [], []
    for one, true in zip(found, truth, strict=True):
        if true.film < 0:
            wrong.append(one.score)
            continue
        shared = min(one.end, true.end) - max(one.start, true.start)
        good = one.film == true.film and shared > 0.5 * (true.end - true.start)
        right.append(good)
        seconds.append(true.seconds)
        scores.append(one.score if good else -np.inf)
        if good:
            ends.append(max(abs(one.start - true.start), abs(one.end - true.end)))
    hits, long, errors = np.array(right), np.array(seconds), np.array(ends)
    positive, negative = np.array(scores), np.sort(wrong)[::-1]
    allowed = int(LATE * len(negative))
    limit = negative[allowed] if len(negative) > allowed else -np.inf
    facts = {
        "queries": len(hits),
        "absent": len(negative),
        "recall@1": hits.mean(),
        "< 5 s": hits[long < 5].mean() if (long < 5).any() else float("nan"),
        ">= 5 s": hits[long >= 5].mean(),
        "ends 1 s": (errors <= 1).mean(),
        "ends .5 s": (errors <= 0.5).mean(),
        "recall, <= 2 % false": (positive > limit).mean(),
    }
    if threshold is not None:
        facts |= {
            "threshold": threshold,
            "recall, own threshold": (positive >= threshold).mean(),
            "false, own threshold": (negative >= threshold).mean() if len(negative) else 0.0,
        }
    return {name: float(value) for name, value in facts.items()}


def measure(name: str, folder: Path) -> Iterator[dict[str, str | float]]:
    """Yield a row for the product, and one for the plain rival."""
    with open_store(folder / FILMS) as store, open_store(folder / QUERIES) as queries:
        truth = truths(folder, store, queries.videos.paths)
        clips = clips_of(queries)
        start = time.process_time()
        finder = clip_finder(store, index_file=None, progress=quiet)
        index_seconds = time.process_time() - start
        start = time.process_time()
        found = [ours(finder, clip) for clip in clips]
        cost = (time.process_time() - start) / len(clips)
        minutes = float(store.videos.duration.sum()) / 60
        about = {"set": name, "film minutes": round(minutes, 1)}
        facts = scored(found, truth, finder.index.threshold)
        yield {
            **about,
            "method": "find",
            **facts,
            "CPU ms a query": 1000 * cost,
            "CPU s for the index": index_seconds,
        }
        films = []
        for row, duration in enumerate(store.videos.duration.tolist()):
            frames = store.sequence(row)
            films.append((unit(frames.features.astype(np.float32)), frames.seconds, duration))
        start = time.process_time()
        plain = [sliding(films, clip) for clip in clips]
        cost = (time.process_time() - start) / len(clips)
        rival = scored(plain, truth, None)
        yield {**about, "method": "mean cosine of frames", **rival, "CPU ms a query": 1000 * cost}


def growth(hours: float, seed: int = 0) -> dict[str, float]:
    """Search made footage of some hours for clips that were cut out of it, and for others."""
    films = max(1, round(hours / 2))
    frames = MadeFrames(films, 7200.0 * hours / 2 / films, seed)
    start = time.process_time()
    index = made_index(frames)
    made = time.process_time() - start
    finder = ClipFinder(frames, index)
    rng = np.random.default_rng(seed + 1)
    hits, errors, cost, strange = [], [], 0.0, []
    for number in range(40):
        row = int(rng.integers(films))
        seconds = float(np.exp(rng.uniform(np.log(3), np.log(20))))
        at = float(rng.uniform(0, frames.duration(row) - 1.5 * seconds))
        speed = float(rng.choice([0.8, 1.0, 1.0, 1.25]))
        clip = frames.clip(row, at, seconds, speed, rng)
        begin = time.process_time()
        found = finder.candidates(clip)
        place = refined(clip, found[0]) if found else None
        cost += time.process_time() - begin
        good = place is not None and place.row == row and abs(place.start - at) < 2
        hits.append(good)
        if place is not None and good:
            ends = place.start - at, place.end - at - speed * seconds
            errors.append(max(map(abs, ends)))
        other = frames.clip(films + number, 10.0, seconds, 1.0, rng)
        strange.append(max((one.score for one in finder.candidates(other)), default=0.0))
    return {
        "hours": hours,
        "windows": len(index),
        "index MB": index.packed.nbytes / 1e6 + 8e-6 * len(index),
        "CPU s for the index": made,
        "CPU ms a query": 1000 * cost / len(hits),
        "recall@1": float(np.mean(hits)),
        "ends 1 s": float(np.mean(np.array(errors) <= 1)),
        "best score of strangers": max(strange),
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def write(path: Path, rows: Sequence[dict[str, str | float]]) -> None:
    """Write rows as CSV."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        out = csv.DictWriter(file, names, lineterminator="\n")
        out.writeheader()
        out.writerows(
            {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in r.items()} for r in rows
        )


def report(folder: Path) -> None:
    """Print the tables of films.md and draw films.png."""
    for name in ("films.csv", "films-growth.csv"):
        with (folder / name).open(newline="") as file:
            rows = list(csv.DictReader(file))
        heads = list(rows[0])
        print("\n".join(table(heads, [[row[head] for head in heads] for row in rows])), "\n")
    draw(rows, folder / "films.png")


def draw(rows: Sequence[dict[str, str]], path: Path) -> None:
    """Draw cost and memory over hours of footage."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    hours = [float(row["hours"]) for row in rows]
    for axes, name in ((left, "CPU ms a query"), (right, "index MB")):
        axes.loglog(hours, [float(row[name]) for row in rows], "o-", color="#3b6ea5")
        axes.set(xlabel="hours of film", ylabel=name)
        axes.grid(visible=True, which="both", alpha=0.2)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare").add_argument("sets", type=Path, nargs="+")
    measuring = commands.add_parser("measure")
    measuring.add_argument("sets", nargs="+", help="NAME=FOLDER")
    measuring.add_argument("--out", type=Path, default=HERE / "films.csv")
    growing = commands.add_parser("growth")
    growing.add_argument("--hours", type=float, nargs="+", default=[10.0, 100.0, 1000.0])
    growing.add_argument("--out", type=Path, default=HERE / "films-growth.csv")
    commands.add_parser("report")
    asked = parser.parse_args()
    if asked.command == "prepare":
        for folder in asked.sets:
            prepare(folder)
    elif asked.command == "measure":
        named = [text.split("=", 1) for text in asked.sets]
        write(asked.out, [row for name, path in named for row in measure(name, Path(path))])
    elif asked.command == "growth":
        write(asked.out, [dict(growth(hours)) for hours in asked.hours])
    else:
        report(HERE)


if __name__ == "__main__":
    main()
