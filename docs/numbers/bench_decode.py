"""Measure the decoders: 25 frames of a file, ours against the other ways to get them.

Writes decode.json. The files are made at the first run from films that a Python package ships; each
frame carries its number as a bar code, so that every answer is checked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
from files import Sample, build, samples
from footage import pool
from judge import compare_pixels, rank_database
from measure import measured, spread
from rivals import Ask, Pixels, header, installed
from setting import about, arguments, goal, save

from chainpipe.pipeline.decode import DecodeWorker, FrameRequest
from chainpipe.pipeline.records import Frames

SIZE = 224
BASE, TRUSTING = "ffmpeg select, told N", "ffmpeg select, N from header"
EXACT, KEYFRAME = "chainpipe", "chainpipe --sampling keyframe"
OURS = {
    EXACT: FrameRequest(25),
    KEYFRAME: FrameRequest(25, sampling="keyframe"),
    "chainpipe, linear reader": FrameRequest(25, reader="linear"),
    "chainpipe, ffmpeg reader": FrameRequest(25, reader="ffmpeg"),
}
ALWAYS = (BASE, EXACT, KEYFRAME)
PATIENCE = 3.0  # CPU seconds: what takes longer, and is not in ALWAYS, is measured once
SMALL, MORE = 0.5, 3  # where the base takes fewer CPU seconds, ALWAYS gets more rounds
GOALS = {  # file: method and largest ratio
    "H.264 720p 60 s, GOP 250.mp4": (EXACT, 0.50),
    "H.264 720p 60 s, GOP 25.mp4": (EXACT, 0.28),
    "H.264 1080p 300 s.mp4": (EXACT, 0.22),
}
KEYFRAME_GOAL = ("H.264 720p 60 s, GOP 250.mp4", 0.10)


@dataclass(slots=True)
class ConmhBatch:
    """What one method did on one file, round by round."""

    cpu: list[float] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


Method = Callable[[Path, Ask], Frames | Pixels]


@contextmanager
def all_methods(warm: Path) -> Iterator[dict[str, Method]]:
    """Offer every way to read a file, warmed up; ours keep one child each, as in a run."""
    found: dict[str, Method] = dict(installed())
    with ExitStack() as stack:
        for name, request in OURS.items():
            found[name] = _ours(stack.enter_context(DecodeWorker()), request)
        for way in found.values():
            _try(way, warm, Ask(1, SIZE))
        yield found


def _ours(worker: DecodeWorker, request: FrameRequest) -> Method:
    return lambda path, ask: worker.read(path, replace(request, frames=ask.frames, size=ask.size))


def measure(
    sample: Sample, path: Path, ways: dict[str, Method], *, frames: int, repeats: int
) -> dict[str, Any]:
    """Measure all methods on one file."""
    size = len(path.read_bytes())  # from here on it lies in memory
    seen = _rounds(sample, path, ways, frames=frames, repeats=repeats)
    compare_pixels([found.facts for name, found in seen.items() if name in OURS], path)
    first = _started_anew(path, frames, repeats)
    return {
        "name": sample.name, "width": sample.size[0], "height": sample.size[1],
        "frames": len(sample.codes), "bytes": size, "expected status": sample.status,
        "methods": {name: _shown(found) for name, found in seen.items()},
        "one file, start-up included": spread(first),
    }  # fmt: skip


def _rounds(
    sample: Sample, path: Path, ways: dict[str, Method], *, frames: int, repeats: int
) -> dict[str, ConmhBatch]:
    """Measure all methods in turn, round after round; small files for more rounds."""
    seen = {name: ConmhBatch() for name in ways}
    told = _header_is_right(path, len(sample.codes))
    number, most = 0, MORE * repeats if repeats > 1 else 1
    while number < repeats or (number < most and seen[BASE].cpu[0] < SMALL):
        for name, found in seen.items():
            late = number >= repeats or (found.cpu and found.cpu[0] > PATIENCE)
            if not (late and name not in ALWAYS) and not (told and name == TRUSTING):
                _once(found, ways[name], OURS.get(name), path, sample, frames)
        _compare(seen)
        number += 1
    if told:
        seen[TRUSTING] = seen[BASE]
    return seen


def _header_is_right(path: Path, total: int) -> bool:
    """Tell whether the header gives the true number: then trusting it is the base itself."""
    try:
        return header(path)[0] == total
    except (ValueError, av.error.FFmpegError):
        return False


def _once(
    found: ConmhBatch,
    way: Method,
    request: FrameRequest | None,
    path: Path,
    sample: Sample,
    frames: int,
) -> None:
    if found.facts.get("failed"):
        return
    with measured() as spent:
        answer = _try(way, path, Ask(frames, SIZE, len(sample.codes)))
    found.cpu.append(spent.cpu)
    found.facts |= rank_database(answer, sample, frames=frames, request=request)


def _try(way: Method, path: Path, ask: Ask) -> Frames | Pixels | Exception:
    try:
        return way(path, ask)
    except Exception as error:  # whatever a rival dies of is a result
        return error


def _compare(seen: dict[str, ConmhBatch]) -> None:
    """Note this round's ratios to the base."""
    base = seen[BASE]
    for found in seen.values():
        if len(found.ratio) < len(found.cpu):
            found.ratio.append(found.cpu[-1] / base.cpu[-1])


def _started_anew(path: Path, frames: int, repeats: int) -> list[float]:
    """Measure one file with the start and the end of its decode child."""
    found = []
    for _ in range(repeats):
        with measured() as spent, DecodeWorker() as worker:
            _try(_ours(worker, OURS[EXACT]), path, Ask(frames, SIZE))
        found.append(spent.cpu)
    return found


def _shown(found: ConmhBatch) -> dict[str, Any]:
    if found.facts.get("failed"):
        return found.facts
    return {"cpu": spread(found.cpu), "ratio": spread(found.ratio), **found.facts}


def goals(files: list[dict[str, Any]], frames: int) -> list[dict[str, Any]]:
    """Compare what was found with the issue's goals."""
    by_name = {file["name"]: file for file in files}
    lines = [_ratio_goal(by_name, name, way, most) for name, (way, most) in GOALS.items()]
    lines.append(_ratio_goal(by_name, KEYFRAME_GOAL[0], KEYFRAME, KEYFRAME_GOAL[1]))
    ratios = {f["name"]: f["methods"][EXACT].get("ratio", {}).get("median") for f in files}
    worst = max((ratio, name) for name, ratio in ratios.items() if ratio is not None)
    lines.append(
        goal("never dearer than decoding everything", "<= 1.0", f"{worst[0]} on {worst[1]}",
             worst[0] <= 1.0)
    )  # fmt: skip
    wrong = [file["name"] for file in files if not _right(file, frames)]
    found = f"{len(files) - len(wrong)} of {len(files)}"
    words = f"{found}; not {', '.join(wrong)}" if wrong else found
    lines.append(goal("25 of 25 right frames, or the right class", "all", words, not wrong))
    unlike = [f["name"] for f in files if f["methods"][EXACT].get("identical") is False]
    sound = [name for name in unlike if by_name[name]["expected status"] != "partial"]
    words = ", ".join(sound) or "all"
    lines.append(goal("pixels equal decode-all, sound files", "all", words, not sound))
    return lines


def _ratio_goal(
    files: dict[str, dict[str, Any]], name: str, method: str, most: float
) -> dict[str, Any]:
    words = f"{method}: {name}"
    ratio = files[name]["methods"][method].get("ratio") if name in files else None
    if ratio is None:
        return goal(words, f"<= {most:.2f}", None, None)
    return goal(words, f"<= {most:.2f}", ratio["median"], ratio["median"] <= most)


def _right(file: dict[str, Any], frames: int) -> bool:
    """Tell whether a sound file gave the asked frames, a damaged one the right class."""
    facts = file["methods"][EXACT]
    if facts["status"] != file["expected status"]:
        return False
    return file["expected status"] == "partial" or bool(facts.get("as asked") == frames)


def videos(asked: argparse.Namespace) -> list[tuple[Sample, Path]]:
    """Make the files, except those that are there already."""
    folder = asked.cache / ("quick" if asked.quick else "decode")
    folder.mkdir(exist_ok=True)
    source = pool(asked.cache, quick=asked.quick)
    return [(sample, build(sample, source, folder)) for sample in samples(quick=asked.quick)]


def report(asked: argparse.Namespace, files: list[tuple[Sample, Path]]) -> dict[str, Any]:
    """Return the whole JSON."""
    head = about("bench_decode", asked)
    frames = 5 if asked.quick else 25
    warm = min((path for _, path in files), key=lambda path: path.stat().st_size)
    found = []
    with all_methods(warm) as ways:
        for sample, path in files:
            print(f"measuring {sample.name}", flush=True)
            found.append(measure(sample, path, ways, frames=frames, repeats=asked.repeats))
    startup = _started_anew(warm, 1, asked.repeats)
    return {
        "about": head, "asked": {"frames": frames, "size": SIZE}, "base": BASE, "files": found,
        "start-up": spread(startup), "goals": goals(found, frames),
    }  # fmt: skip


def main() -> None:
    """Measure everything and write decode.json."""
    asked = arguments(__doc__ or "", repeats=3)
    files = videos(asked)
    if not asked.prepare:
        save(asked.out, "decode", report(asked, files))


if __name__ == "__main__":
    main()
