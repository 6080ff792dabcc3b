"""Which of several copies to keep, and why: rules that are tried in order."""

from __future__ import annotations

import fnmatch
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chainpipe.pipeline.console import format_size
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Status

from .videos import VideoFile

_NAME = "name"  # ends the rules: the first by name is taken
DEFAULT_RULES = "whole,resolution,bitrate,length,fps,oldest,name"


@dataclass(frozen=True, slots=True)
class KeepRule:
    """One rule: a number that is larger for better files.

    Attributes:
        name: As in ``--keep``.
        better: What the winner is, such as ``largest picture``.
        value: Returns the number of a file.
        words: Writes what the number stands for.
        tolerance: How much less counts as equal, as a share of the best.
    """

    name: str
    better: str
    value: Callable[[VideoFile], float]
    words: Callable[[VideoFile], str]
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of some files is kept.

    Attributes:
        index: Its place among them.
        reason: One line: which rule decided, and by how much.
    """

    index: int
    reason: str


def parse_rules(text: str) -> tuple[KeepRule, ...]:
    """Read a comma-separated list of rules; ``name`` follows where nothing else decides.

    Args:
        text: Such as ``path:originals/*,resolution,bitrate``.

    Raises:
        UsageError: If there is no such rule; it names those there are.

    Example:
        >>> [rule.name for rule in parse_rules("resolution,path:best/*")]
        ['resolution', 'path:best/*', 'name']
    """
    names = [part.strip() for part in text.split(",")]
    if names == [""]:
        names = []
    rules = tuple(_rule(name) for name in names)
    return rules if _NAME in names else (*rules, _RULES[_NAME])


def choose(files: Sequence[VideoFile], rules: Sequence[KeepRule]) -> Choice:
    """Choose the file to keep: each rule drops those that are worse than the best by it.

    Args:
        files: At least one, all of one content or copies of each other.
        rules: In order; the last one should tell any two files apart.

    Example:
        >>> small = VideoFile(b"a", b"/a", 9, 0, 1.0, 25.0, 320, 240, Status.OK)
        >>> large = VideoFile(b"b", b"/b", 9, 0, 1.0, 25.0, 640, 480, Status.OK)
        >>> choose([small, large], parse_rules("resolution"))
        Choice(index=1, reason='largest picture: 640x480, next 320x240')
    """
    left = list(range(len(files)))
    reason = "the only one"
    for rule in rules:
        if rule.name == _NAME:
            break
        values = {index: rule.value(files[index]) for index in left}
        best = max(values.values())
        kept = [index for index in left if values[index] >= best - abs(best) * rule.tolerance]
        if len(kept) < len(left):
            next_best = max((i for i in left if i not in kept), key=lambda i: values[i])
            winner = max(kept, key=lambda i: values[i])
            reason = _why(rule, files[winner], files[next_best])
        left = kept
        if len(left) == 1:
            return Choice(left[0], reason)
    first = min(left, key=lambda index: files[index].path)
    return Choice(first, "first by name, nothing else differs" if len(files) > 1 else reason)


def _why(rule: KeepRule, best: VideoFile, other: VideoFile) -> str:
    mine, theirs = rule.words(best), rule.words(other)
    if not mine:
        return rule.better
    return f"{rule.better}: {mine}" if mine == theirs else f"{rule.better}: {mine}, next {theirs}"


def _rule(name: str) -> KeepRule:
    if name.startswith("path:") and len(name) > len("path:"):
        pattern = os.fsencode(name.removeprefix("path:"))
        return KeepRule(
            name, f"its path matches `{name[5:]}`", lambda f: _matches(f, pattern), lambda f: ""
        )
    if name not in _RULES:
        hint = f"some of {', '.join(_RULES)}, path:GLOB, in the order in which they are tried"
        raise UsageError(f"there is no rule `{name}` for what to keep", hint=hint)
    return _RULES[name]


def _matches(file: VideoFile, pattern: bytes) -> float:
    return float(fnmatch.fnmatchcase(file.path, pattern))


def _day(file: VideoFile) -> str:
    """Return when a file was changed, to the minute."""
    return datetime.fromtimestamp(file.mtime_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _bitrate(file: VideoFile) -> str:
    rate = file.bitrate
    return f"{rate / 1e6:.2f} Mbit/s" if rate >= 1e6 else f"{rate / 1e3:.3g} kbit/s"


def _by_name(file: VideoFile) -> float:
    """Return 0: all names are equally good, and the first is taken."""
    return 0.0


_SECONDS = 0.5  # lengths that differ by less differ by a few frames at the end
_RULES = {
    rule.name: rule
    for rule in (
        KeepRule(
            "whole",
            "read without damage",
            lambda f: float(f.status is not Status.PARTIAL),
            lambda f: "",
        ),
        KeepRule(
            "resolution",
            "largest picture",
            lambda f: float(f.width * f.height),
            lambda f: f"{f.width}x{f.height}",
            0.01,
        ),
        KeepRule("bitrate", "highest bitrate", lambda f: f.bitrate, _bitrate, 0.05),
        KeepRule(
            "length",
            "longest",
            lambda f: float(math.floor(f.duration / _SECONDS)),
            lambda f: f"{f.duration:.1f} s",
            0.02,
        ),
        KeepRule("fps", "most frames a second", lambda f: f.fps, lambda f: f"{f.fps:.3g}", 0.02),
        KeepRule("largest", "largest file", lambda f: float(f.size), lambda f: format_size(f.size)),
        KeepRule(
            "smallest", "smallest file", lambda f: -float(f.size), lambda f: format_size(f.size)
        ),
        KeepRule("oldest", "oldest file", lambda f: -float(f.mtime_ns), _day),
        KeepRule("newest", "newest file", lambda f: float(f.mtime_ns), _day),
        KeepRule(_NAME, "first by name", _by_name, lambda f: ""),
    )
}
