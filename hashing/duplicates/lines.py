"""What was found as lines for programs: JSON, CSV, a list of paths."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import json_text, some_names
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .pairs import ApartVideo, CopyGroup, VideoPair
from .report import DuplicateReport

SCHEMA = 1
CSV_COLUMNS = (
    *("a", "b", "answer", "exact", "distance", "share_a", "share_b", "offset", "speed"),
    *("mirrored", "score", "a_start", "a_end", "b_start", "b_end", "group", "keep", "reason"),
)


def json_lines(report: DuplicateReport) -> Iterator[str]:
    """Yield a JSON object for each pair, then for each video set apart."""
    for pair in report.pairs:
        yield json_text({"schema": SCHEMA, **pair_facts(report, pair)})
    for apart in report.apart:
        yield json_text({"schema": SCHEMA, **apart_facts(report, apart)})


def group_lines(report: DuplicateReport) -> Iterator[str]:
    """Yield a JSON object for each group, then for each video set apart."""
    for number, group in enumerate(report.groups, start=1):
        yield json_text({"schema": SCHEMA, "group": number, **group_facts(report, group)})
    for apart in report.apart:
        yield json_text({"schema": SCHEMA, **apart_facts(report, apart)})


def pair_facts(report: DuplicateReport, pair: VideoPair) -> dict[str, Any]:
    """Return what is told of a pair, in the order of the documented keys.

    Times are seconds: ``b = offset + speed * a`` within the aligned run, which lasts from
    ``a_start`` to ``a_end`` in the first video.
    """
    verdict, videos = pair.verdict, report.videos
    aligned = verdict.alignment
    facts: dict[str, Any] = {
        "a": os.fsdecode(videos.paths[pair.a]),
        "b": os.fsdecode(videos.paths[pair.b]),
        "answer": verdict.relation.value,
        "exact": pair.exact,
        "distance": pair.distance,
    }
    if pair.exact:
        facts |= {"share_a": 1.0, "share_b": 1.0, "offset": 0.0, "speed": 1.0, "mirrored": False}
        times = (0.0, float(videos.duration[pair.a]), 0.0, float(videos.duration[pair.b]))
    elif aligned is not None:
        run = aligned.runs[0]
        facts |= {"share_a": round(aligned.share_a, 4), "share_b": round(aligned.share_b, 4)}
        facts |= {"offset": round(run.offset, 3), "speed": round(run.speed, 4)}
        facts["mirrored"] = verdict.mirrored
        times = (run.a_start, run.a_end, run.b_start, run.b_end)
    else:
        facts |= dict.fromkeys(("share_a", "share_b", "offset", "speed"))
        facts["mirrored"] = verdict.mirrored
        times = None
    score = aligned.score if aligned is not None else report.top_score() if pair.is_copy else 0.0
    facts["score"] = round(score, 5)
    names = ("a_start", "a_end", "b_start", "b_end")
    facts |= dict.fromkeys(names) if times is None else _rounded(names, times)
    return facts | {"reason": verdict.reason}


def write_csv(path: Path, report: DuplicateReport) -> None:
    """Write a table of all pairs; bytes of a path that are no UTF-8 stay as they are.

    Raises:
        StorageError: If it cannot be written.
    """
    number = report.group_numbers()
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for pair in report.pairs:
        facts = pair_facts(report, pair) | {"group": "", "keep": ""}
        if pair.a in number and number[pair.a] == number.get(pair.b):
            group = report.groups[number[pair.a] - 1]
            facts |= {"group": number[pair.a]}
            facts |= {"keep": os.fsdecode(report.videos.paths[group.keep])}
        writer.writerow({name: "" if (v := facts[name]) is None else v for name in CSV_COLUMNS})
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(text.getvalue().encode("utf-8", "surrogateescape"))


def write_list(path: Path, report: DuplicateReport) -> str:
    """Write the full path of each copy that may go, one a line.

    Returns:
        A warning about paths that hold a line break and so are left out; empty without such.

    Raises:
        StorageError: If it cannot be written.
    """
    files = [one.copy.file for one in report.planned()]
    whole = [file for file in files if b"\n" not in file and b"\r" not in file]
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(b"".join(file + b"\n" for file in whole))
    if len(whole) == len(files):
        return ""
    broken = [file for file in files if b"\n" in file or b"\r" in file]
    return f"left out of `{path}`, since a line break is in the name: {some_names(broken)}"


def group_facts(report: DuplicateReport, group: CopyGroup) -> dict[str, Any]:
    """Return what is told of a group: the file to keep and why, then each file."""
    videos = report.videos
    found = {frozenset((pair.a, pair.b)): pair for pair in report.pairs}
    members = []
    for row in group.rows:
        video = videos.video(row)
        pair = found.get(frozenset((group.keep, row)))
        same = videos.hex_id(row) == videos.hex_id(group.keep)
        why = group.reason if row == group.keep else pair.verdict.reason if pair else ""
        members.append(
            {
                "path": os.fsdecode(video.path),
                "keep": row == group.keep,
                "exact": same,
                "width": video.width,
                "height": video.height,
                "fps": round(video.fps, 3),
                "seconds": round(video.duration, 3),
                "bytes": video.size,
                "reason": why,
            }
        )
    return {"keep": members[0]["path"], "reason": group.reason, "videos": members}


def apart_facts(report: DuplicateReport, apart: ApartVideo) -> dict[str, Any]:
    """Return what is told of a video that is set apart."""
    paths = report.videos.paths
    facts = {"path": os.fsdecode(paths[apart.row]), "blank": apart.reason}
    return facts | {"same_bytes": [os.fsdecode(paths[row]) for row in apart.same_bytes]}


def _rounded(names: tuple[str, ...], times: tuple[float, ...]) -> dict[str, float]:
    return {name: round(time, 3) for name, time in zip(names, times, strict=True)}
