"""How the program talks."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console as RichConsole
from rich.table import Table

from chainpipe.pipeline.console import (
    Console,
    counted,
    format_duration,
    format_rate,
    format_size,
    from_here,
    printable,
    progress_line,
    shortened,
)
from chainpipe.pipeline.console import progress as progress_module


def on_paper(quiet: bool = False, **options: object) -> tuple[Console, io.StringIO]:
    paper = io.StringIO()
    return Console(quiet=quiet, console=RichConsole(file=paper, width=60, **options)), paper  # type: ignore[arg-type]


def test_it_talks_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    Console().log("hello")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "hello\n")


def test_square_brackets_and_long_lines_are_left_as_they_are() -> None:
    console, paper = on_paper()
    line = "[red]x[/red] " * 20
    console.log(line)
    assert paper.getvalue() == line + "\n"


def test_an_error_and_its_hint_read_without_colour() -> None:
    console, paper = on_paper()
    console.error("no backbone `resnet5`")
    console.hint("one of `cnn`")
    assert paper.getvalue() == "error: no backbone `resnet5`\n\nhint: one of `cnn`\n"


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    console, paper = on_paper(force_terminal=True)
    console.warn("look")
    assert "\x1b[33m" in paper.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    console, paper = on_paper(force_terminal=True)
    console.warn("look")
    assert "\x1b[3" not in paper.getvalue()


def test_in_a_pipe_every_line_is_what_rich_would_print(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    paper = io.StringIO()
    for console in (Console(), Console(console=RichConsole(file=paper, highlight=False))):
        console.log("[b]a[/b] \x07\t\u00e9 " * 30)
        console.success("b")
        console.warn("c")
        console.error("d")
        console.hint("e")
    assert capsys.readouterr().err == paper.getvalue()


def test_colours_in_a_pipe_are_for_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    Console().warn("look")
    assert "\x1b[33m" in capsys.readouterr().err


def test_a_quiet_talk_still_tells_errors() -> None:
    console, paper = on_paper(quiet=True)
    console.log("a")
    console.success("b")
    console.warn("c")
    console.print_table(Table("d"))
    with console.progress("e", 3) as advance:
        advance(3)
    assert paper.getvalue() == ""
    console.error("f")
    assert paper.getvalue() == "error: f\n"


def test_off_a_terminal_progress_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: clock[0])
    console, paper = on_paper()
    with console.progress("extract", 100) as advance:
        for _ in range(4):
            clock[0] += 10
            advance(10)
    assert paper.getvalue() == "extract: 30 of 100, 1.0/s, 1 min 10 s left\n"


def test_on_a_terminal_progress_is_a_bar_that_goes_away() -> None:
    console, paper = on_paper(force_terminal=True)
    with console.progress("extract [1]", 3) as advance:
        advance(3)
    assert "extract [1]" in paper.getvalue()
    assert "3/3" in paper.getvalue()


def test_progress_that_stands_still_promises_nothing() -> None:
    assert progress_line("extract", 0, 9, 0.0) == "extract: 0 of 9"


@given(st.binary(min_size=1))
def test_a_shown_name_is_one_printable_line(name: bytes) -> None:
    assert printable(name.replace(b"\0", b"")).isprintable()


@given(st.integers(0, 10**7))
def test_a_duration_is_never_off_by_more_than_its_smaller_unit(seconds: int) -> None:
    units = {"s": 1, "min": 60, "h": 3600}
    words = format_duration(seconds).split()
    told = sum(int(n) * units[unit] for n, unit in zip(words[::2], words[1::2], strict=True))
    assert 0 <= seconds - told < 60


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"a/b.mp4", "a/b.mp4"),
        (Path("a/b.mp4"), "a/b.mp4"),
        (b"\xff\x1b[31m", r"\xff\x1b[31m"),
        ("caf\u00e9\udcff", "caf\u00e9\\xff"),
        ("half\ud800", r"half\ud800"),
    ],
)
def test_a_name_prints_one_way_as_bytes_text_or_path(path: bytes | str | Path, text: str) -> None:
    assert printable(path) == text


def test_a_path_below_the_working_folder_is_told_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inside, beside = tmp_path / "a" / "feats.h5", tmp_path.with_name("other") / "feats.h5"
    assert from_here(inside) == "a/feats.h5"
    for path in (beside, Path("a/b"), tmp_path):
        assert from_here(path) == str(path)
    longer = f"{tmp_path}s/feats.h5"  # its name begins with the folder's
    assert from_here(longer) == longer


@given(st.text(max_size=60), st.integers(1, 60))
def test_shortened_names_fit_and_keep_their_end(text: str, length: int) -> None:
    short = shortened(text, length)
    assert len(short) <= length
    assert short == text or short[-1] in (text[-1], "\u2026")


@given(st.integers(0, 10**15))
def test_a_size_is_right_to_three_digits_and_never_an_exponent(count: int) -> None:
    number, unit = format_size(count).split()
    units = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    assert abs(float(number) * units[unit] - count) <= 0.005 * count
    assert len(number.replace(".", "")) <= 4
    assert "e" not in number


@given(st.floats(1e-5, 1e5))
def test_a_rate_is_never_rounded_to_nothing(per_second: float) -> None:
    number, unit = format_rate(per_second).split("/")
    seconds = {"s": 1, "min": 60, "h": 3600}[unit]
    assert abs(float(number) - per_second * seconds) <= 0.05 * float(number) + 0.05
    assert float(number) > 0 or per_second < 0.05 / 3600


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (1, "query", "1 query"),
        (2, "query", "2 queries"),
        (0, "key", "0 keys"),
        (2, "class", "2 classes"),
        (12, "training video", "12 training videos"),
        (2, "identical copy", "2 identical copies"),
    ],
)
def test_counts_agree_with_their_noun(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text
