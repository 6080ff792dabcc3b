"""Words and tables of the Markdown pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table.

    >>> table(["a", "b"], [["1", "2"]])
    ['| a | b |', '|---|---|', '| 1 | 2 |']
    """
    lines = [heads, *rows]
    text = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return [text[0], "|" + "---|" * len(heads), *text[1:]]


def wrapped(lines: Iterable[str]) -> str:
    """Return a page: lines of text wrapped at 100 characters, rows of tables as they are.

    >>> [len(line) for line in wrapped(["- " + "x " * 60, "|" + "y" * 120]).splitlines()]
    [99, 23, 121]
    """
    found = []
    for line in lines:
        indent = "  " if line.startswith("- ") else ""
        words = textwrap.wrap(
            line, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        found += [line] if line.startswith("|") or not words else words
    return "\n".join(found)


def number(value: float) -> str:
    """Return three digits that matter.

    >>> number(0.01234), number(1.5), number(123456.0)
    ('0.0123', '1.50', '123,456')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def middle(found: dict[str, Any] | None) -> str:
    """Return a median with the smallest and largest, or nothing."""
    if not found:
        return ""
    text = number(found["median"])
    if found["times"] == 1:
        return text
    return f"{text} ({number(found['min'])} to {number(found['max'])})"


def goal_rows(goals: Sequence[dict[str, Any]], reasons: dict[str, str]) -> list[list[str]]:
    """Return lines of a table of goals; those that are not reached with the noted reason."""
    return [
        [
            line["goal"],
            line["limit"],
            "" if line["found"] is None else str(line["found"]),
            _verdict(line["reached"]),
            reasons.get(line["goal"], "") if line["reached"] is not True else "",
        ]
        for line in goals
    ]


def _verdict(reached: bool | None) -> str:
    if reached is None:
        return "not available"
    return "reached" if reached else "**not reached**"


def about_lines(about: dict[str, Any]) -> str:
    """Return one paragraph about how, when and with what something was measured."""
    machine = about["machine"]
    versions = ", ".join(f"{name} {found}" for name, found in about["versions"].items())
    quick = " These are the figures of a smoke test and mean nothing." if about["quick"] else ""
    return (
        f"Measured by `{about['command']}` on {about['date']}: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, load "
        f"{machine['load_at_start']} at the start; {versions}.{quick}"
    )
