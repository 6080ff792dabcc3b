"""The report of an update: lines for people, one JSON object for programs."""

from __future__ import annotations

import os
from collections.abc import Iterator

from chainpipe.hashing.matching.records import Relation
from chainpipe.pipeline.console import counted, printable

from .new_answers import LibraryAnswer, NewVideo
from .update import UpdateReport

_CHANGES = (
    ("added", "new"),
    ("changed", "changed"),
    ("gone", "gone"),
    ("back", "back again"),
    ("dropped", "dropped"),
)
_MOST = 20  # lines of one kind that people see


def lines_of(report: UpdateReport) -> Iterator[str]:
    """Yield what people read: what changed, what is new and similar to what, what is wrong."""
    changes = report.changes
    for name, word in _CHANGES:
        yield from _some([f"{word:12}  {printable(path)}" for path in getattr(changes, name)])
    yield from _some(
        [f"{'moved':12}  {printable(old)} -> {printable(new)}" for old, new in changes.moved]
    )
    yield from (line for video in report.new for line in _similar(video))
    yield from _some([f"{'growing':12}  {printable(path)}" for path in report.growing])
    yield from _some(
        [
            f"{'failed':12}  {printable(video.path)}: {video.status.label}: {video.message}"
            for video in report.new_failures
        ]
    )
    yield _summary(report)


def facts_of(report: UpdateReport) -> dict[str, object]:
    """Return the JSON object, schema 1: paths as the store has them."""
    changes = report.changes
    return {
        "schema": 1,
        "store": os.fsdecode(report.store),
        "root": os.fsdecode(report.root),
        "videos": report.videos,
        **{name: [os.fsdecode(path) for path in getattr(changes, name)] for name, _ in _CHANGES},
        "moved": [{"from": os.fsdecode(old), "to": os.fsdecode(new)} for old, new in changes.moved],
        "missing": report.missing,
        "growing": [os.fsdecode(path) for path in report.growing],
        "failed": report.failed,
        "new_failures": [
            {
                "path": os.fsdecode(video.path),
                "status": video.status.label,
                "message": video.message,
            }
            for video in report.new_failures
        ],
        "decoded": report.decoded,
        "model": report.model and str(report.model),
        "codes": report.codes and str(report.codes),
        "encoded": report.encoded,
        "similar": [
            {
                "path": os.fsdecode(video.path),
                "blank": video.blank or None,
                "answers": [_answer(answer) for answer in video.answers],
            }
            for video in report.new
        ],
        "written": report.written,
        "seconds": report.seconds,
    }


def _answer(answer: LibraryAnswer) -> dict[str, object]:
    return {
        "path": os.fsdecode(answer.path),
        "answer": answer.relation.value,
        "exact": answer.exact,
        "distance": answer.distance,
        "reason": answer.reason,
    }


def _similar(video: NewVideo) -> Iterator[str]:
    """Yield a line for each answer that is more than similar, else for the nearest one."""
    sure = [answer for answer in video.answers if answer.relation is not Relation.SIMILAR]
    for answer in sure or video.answers[:1]:
        pair = f"{printable(video.path)} ~ {printable(answer.path)}"
        yield f"{answer.relation.value:12}  {pair}: {answer.reason}"


def _some(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST:
        return lines
    return [*lines[:_MOST], f"{'':12}  and {len(lines) - _MOST} more; `--json` lists all"]


def _summary(report: UpdateReport) -> str:
    changes = report.changes
    counts = [
        *((len(getattr(changes, name)), word) for name, word in _CHANGES),
        (len(changes.moved), "moved"),
        (len(report.copies), "copies" if len(report.copies) > 1 else "copy"),
        (len(report.new_failures), "failed"),
    ]
    told = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing changed"
    codes = f"; {counted(report.encoded, 'video')} encoded" if report.encoded else ""
    return f"{printable(report.store)}: {counted(report.videos, 'video')}: {told}{codes}"
