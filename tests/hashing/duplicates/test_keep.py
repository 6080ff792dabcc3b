"""Which copy is kept, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from chainpipe.hashing.duplicates.keep import DEFAULT_RULES, choose, parse_rules
from chainpipe.hashing.duplicates.videos import VideoFile
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import Status

FILE = VideoFile(b"m.mp4", b"/v/m.mp4", 1_000_000, 10**18, 10.0, 25.0, 640, 360, Status.OK)


@pytest.mark.parametrize(
    ("better", "reason"),
    [
        ({"width": 1280, "height": 720}, "largest picture: 1280x720, next 640x360"),
        ({"size": 2_000_000}, "highest bitrate: 1.60 Mbit/s, next 800 kbit/s"),
        ({"duration": 13.0, "size": 1_300_000}, "longest: 13.0 s, next 10.0 s"),
        ({"fps": 50.0}, "most frames a second: 50, next 25"),
        ({"mtime_ns": 5 * 10**17}, "oldest file: 1985-11-05 00:53, next 2001-09-09 01:46"),
        ({"path": b"a.mp4"}, "first by name, nothing else differs"),
    ],
)
def test_the_default_rules_and_their_reasons(better: dict[str, object], reason: str) -> None:
    best = replace(FILE, **better)  # type: ignore[arg-type]
    for files in permutations([FILE, best, replace(FILE, path=b"z.mp4")]):
        chosen = choose(files, parse_rules(DEFAULT_RULES))
        assert files[chosen.index] == best
        assert chosen.reason == reason


def test_a_damaged_file_loses_whatever_its_size() -> None:
    large = replace(FILE, width=1920, height=1080, status=Status.PARTIAL)
    assert choose([large, FILE], parse_rules(DEFAULT_RULES)).index == 1
    assert choose([large, FILE], parse_rules("resolution")).index == 0


def test_what_differs_by_a_little_is_equal() -> None:
    other = replace(FILE, width=642, size=1_020_000, path=b"a.mp4")
    chosen = choose([FILE, other], parse_rules("resolution,bitrate"))
    assert (chosen.index, chosen.reason) == (1, "first by name, nothing else differs")


def test_a_path_wins_where_it_matches() -> None:
    mine = replace(FILE, path=b"originals/\xff.mp4", width=320)
    chosen = choose([FILE, mine], parse_rules("path:originals/*,resolution"))
    assert (chosen.index, chosen.reason) == (1, "its path matches `originals/*`")


def test_name_ends_the_rules() -> None:
    old = replace(FILE, path=b"z.mp4", mtime_ns=1)
    assert choose([old, FILE], parse_rules("name,oldest")).index == 1


@pytest.mark.parametrize("rule", ["best", "resolution,,bitrate", "path:", "Resolution"])
def test_an_unknown_rule_is_named(rule: str) -> None:
    with pytest.raises(UsageError, match="there is no rule") as raised:
        parse_rules(rule)
    assert "resolution" in str(raised.value.hint)


def test_unknown_lengths_and_sizes_are_no_trouble() -> None:
    bare = replace(FILE, size=0, duration=0.0, fps=0.0, width=0, height=0, mtime_ns=0)
    assert choose([bare, FILE], parse_rules(DEFAULT_RULES)).index == 1
    assert choose([bare], parse_rules(DEFAULT_RULES)).reason == "the only one"
