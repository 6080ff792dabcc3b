"""What a search for duplicates found, in a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from chainpipe.pipeline.console import counted, format_size, some_names

from ..matching.records import Relation
from .report import DuplicateReport


def summary_lines(report: DuplicateReport, *, everything: bool = False) -> Iterator[str]:
    """Yield the lines.

    Args:
        report: What was found.
        everything: Whether similar pairs are listed, too.
    """
    videos, counts = report.videos, report.counts()
    compared = f"{counted(len(videos), 'video')}, {counted(report.compared, 'pair')} compared"
    if videos.two:
        count = len({row for group in report.groups for row in group.others})
        have = f"{count} of {counted(videos.first, 'video')} are in the other store already"
        yield f"{have} ({counted(report.compared, 'pair')} compared)"
    elif report.groups:
        planned = report.planned()
        freed = format_size(sum(one.copy.size for one in planned))
        groups = counted(len(report.groups), "group")
        yield f"{groups} of copies: {counted(len(planned), 'file')} of {freed} may go ({compared})"
    else:
        yield f"no copies ({compared})"
    outside = [] if videos.two else report.ungrouped_copies()
    if outside:
        yield f"{counted(len(outside), 'pair')} of copies in no common group"
    if counts[Relation.PART_OF]:
        yield f"{counted(counts[Relation.PART_OF], 'pair')} of a part and its whole"
    if counts[Relation.SAME_SCENES]:
        yield f"{counted(counts[Relation.SAME_SCENES], 'pair')} of the same scenes, other moment"
    if counts[Relation.SIMILAR]:
        more = "" if everything else " (--all lists them)"
        yield f"{counted(counts[Relation.SIMILAR], 'similar pair')}{more}"
    if report.apart:
        yield f"{counted(len(report.apart), 'video')} without information, compared with no other"
    if report.ignored:
        yield f"{counted(report.ignored, 'pair')} left out by decision"
    if report.gone:
        names = some_names([videos.paths[row] for row in sorted(report.gone)])
        yield f"{counted(len(report.gone), 'file')} no longer there, and left out: {names}"
