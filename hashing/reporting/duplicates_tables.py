"""Duplicates for people: tables of groups, parts, other pairs and videos set apart."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from chainpipe.pipeline.console import format_size, printable

from ..duplicates.pairs import VideoPair
from ..duplicates.report import DuplicateReport
from ..matching.records import Relation

FEW = 10  # pairs of a kind that are not duplicates, unless all are asked for
_SAME_STORE = "Copies outside of the groups: not of all members"
_BLANK_WORDS = {
    "colour": "one colour",
    "other": "each frame of one colour",
    "still": "one picture",
}


def duplicate_tables(report: DuplicateReport, *, everything: bool = False) -> list[Table]:
    """Return the tables of what was found; none where nothing was.

    Args:
        report: What was found.
        everything: Whether to list all pairs of the same scenes and all similar ones.
    """
    tables = [groups_table(report)] if report.groups else []
    if not report.videos.two and (outside := report.ungrouped_copies()):
        tables.append(pairs_table(_SAME_STORE, report, outside))
    for relation, title in (
        (Relation.PART_OF, "Parts of longer videos"),
        (Relation.SAME_SCENES, "Same scenes, other moment: no duplicates"),
        (Relation.SIMILAR, "Similar: no duplicates"),
    ):
        pairs = [pair for pair in report.pairs if pair.verdict.relation is relation]
        if relation is Relation.PART_OF and pairs:
            tables.append(parts_table(title, report, pairs))
        elif pairs and (everything or relation is Relation.SAME_SCENES):
            shown = pairs if everything else pairs[:FEW]
            more = f", the first {FEW} of {len(pairs)} (--all lists them)"
            tables.append(
                pairs_table(title + (more if len(shown) < len(pairs) else ""), report, shown)
            )
    return [*tables, apart_table(report)] if report.apart else tables


def groups_table(report: DuplicateReport) -> Table:
    """Return the table of groups: the file to keep first, and why; then its copies, and why."""
    two = report.videos.two
    title = "In the other store already" if two else "Copies"
    table = _table(title, "group", "", "path", "picture", "length", "size", "why")
    reasons = {frozenset((pair.a, pair.b)): pair.verdict.reason for pair in report.pairs}
    for number, group in enumerate(report.groups, start=1):
        for row in group.rows:
            keep = row == group.keep
            video = report.videos.video(row)
            exact = not keep and report.videos.hex_id(row) == report.videos.hex_id(group.keep)
            why = group.reason if keep else reasons.get(frozenset((group.keep, row)), "")
            table.add_row(
                str(number) if keep else "",
                Text("keep", style="green") if keep else "copy",
                Text(printable(video.path)),
                f"{video.width}x{video.height}" if video.width else "",
                f"{video.duration:.1f} s",
                format_size(video.size),
                Text("the same bytes" if exact else why),
            )
        table.add_section()
    return table


def parts_table(title: str, report: DuplicateReport, pairs: Sequence[VideoPair]) -> Table:
    """Return the table of videos that are within longer ones, with the times there."""
    table = _table(title, "part", "of", "from", "to", "why")
    for pair in pairs:
        part_is_b = pair.verdict.contained == "b"
        part, whole = (pair.b, pair.a) if part_is_b else (pair.a, pair.b)
        times = ("", "")
        if pair.verdict.alignment is not None:
            run = pair.verdict.alignment.runs[0]
            start, end = (run.a_start, run.a_end) if part_is_b else (run.b_start, run.b_end)
            times = clock(start), clock(end)
        names = (Text(printable(report.videos.paths[row])) for row in (part, whole))
        table.add_row(*names, *times, Text(pair.verdict.reason))
    return table


def pairs_table(title: str, report: DuplicateReport, pairs: Sequence[VideoPair]) -> Table:
    """Return a table of pairs with their reasons."""
    table = _table(title, "video", "and", "why")
    for pair in pairs:
        names = (Text(printable(report.videos.paths[row])) for row in (pair.a, pair.b))
        table.add_row(*names, Text(pair.verdict.reason))
    return table


def apart_table(report: DuplicateReport) -> Table:
    """Return the table of videos that were compared with no other."""
    table = _table("Without information: compared with no other", "path", "why")
    for apart in report.apart:
        why = _BLANK_WORDS.get(apart.reason, apart.reason)
        if apart.same_bytes:
            name = printable(report.videos.paths[apart.same_bytes[0]])
            more = f" and {len(apart.same_bytes) - 1} more" if len(apart.same_bytes) > 1 else ""
            why += f"; the same bytes as {name}{more}"
        table.add_row(Text(printable(report.videos.paths[apart.row])), Text(why))
    return table


def clock(seconds: float) -> str:
    """Write a moment of a video.

    >>> clock(75.04), clock(3675.5)
    ('1:15.0', '1:01:15.5')
    """
    tenths = round(max(seconds, 0.0) * 10)
    minutes, left = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{left // 10:02d}.{left % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        min_width=len(title),  # or a narrow table folds its title
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for name in columns:
        right = name in ("picture", "length", "size", "from", "to")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table
