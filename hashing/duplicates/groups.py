"""Groups of copies that do not chain strangers together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from .keep import KeepRule, choose
from .pairs import CopyGroup, VideoPair
from .videos import VideoFile


def group_copies(
    pairs: Iterable[VideoPair],
    contents: Mapping[int, Sequence[int]],
    video_of: Callable[[int], VideoFile],
    rules: Sequence[KeepRule],
) -> list[CopyGroup]:
    """Group videos so that each is a copy of every other one of its group.

    The best video of those that hang together takes, surest first, each copy of itself that is a
    copy of all taken before; then the best of the rest does so, and on. A video that is a copy of
    one member and not of another stays out, so no group joins strangers by a chain.

    Args:
        pairs: Pairs of contents, each named by a row; only copies count.
        contents: The rows of the files of each content, by the row that names it.
        video_of: Returns what is known of a row's file.
        rules: Which of several files is best.

    Returns:
        The groups, in the order of the rows to keep.

    Example:
        >>> from chainpipe.pipeline.records import Status
        >>> from ..matching.records import Relation, Verdict
        >>> from .keep import parse_rules
        >>> copy = Verdict(Relation.COPY, "")
        >>> chain = [VideoPair(0, 1, copy), VideoPair(1, 2, copy)]
        >>> video = lambda r: VideoFile(b"%d" % r, b"", 1, 0, 1.0, 1.0, 9 - r, 1, Status.OK)
        >>> rules = parse_rules("resolution")
        >>> files = {0: [0], 1: [1], 2: [2, 5]}
        >>> [group.rows for group in group_copies(chain, files, video, rules)]
        [(0, 1), (2, 5)]
    """
    scores: Scores = {name: {} for name, rows in contents.items() if len(rows) > 1}
    for pair in pairs:
        if pair.is_copy and pair.a in contents and pair.b in contents:
            scores.setdefault(pair.a, {})[pair.b] = pair.score
            scores.setdefault(pair.b, {})[pair.a] = pair.score
    name_of = {row: name for name in scores for row in contents[name]}

    def best(names: Sequence[int]) -> tuple[int, str]:
        rows = [row for name in names for row in contents[name]]
        chosen = choose([video_of(row) for row in rows], rules)
        return rows[chosen.index], chosen.reason

    groups: list[CopyGroup] = []
    left = set(scores)
    while left:
        part = _hanging_together(min(left), scores, left)
        left -= set(part)
        while part:
            keep = name_of[best(part)[0]]
            others = _clique(keep, scores, part)
            row, reason = best([keep, *others])
            rows = [one for name in (keep, *others) for one in contents[name] if one != row]
            if rows:
                groups.append(CopyGroup(row, reason, tuple(rows)))
            part = [name for name in part if name != keep and name not in others]
    return sorted(groups, key=lambda group: group.keep)


def copies_elsewhere(
    pairs: Iterable[VideoPair],
    first_store: int,
    video_of: Callable[[int], VideoFile],
    rules: Sequence[KeepRule],
) -> list[CopyGroup]:
    """Give each video of the first of two stores to the surest of its copies in the second.

    Args:
        pairs: Pairs of files across both stores.
        first_store: Rows of the first store.
        video_of: Returns what is known of a row's file.
        rules: Which of several equally sure copies is taken.
    """
    scores: Scores = {}
    for pair in pairs:
        if pair.is_copy:
            scores.setdefault(pair.a, {})[pair.b] = pair.score
    taken: dict[int, list[int]] = {}
    for row in sorted(scores):
        best = max(scores[row].values())
        sure = sorted(other for other, score in scores[row].items() if score == best)
        chosen = choose([video_of(other) for other in sure], rules)
        taken.setdefault(sure[chosen.index], []).append(row)
    why = "it is in the other store"
    return [CopyGroup(keep, why, tuple(rows)) for keep, rows in sorted(taken.items())]


Scores = dict[int, dict[int, float]]


def _hanging_together(start: int, scores: Scores, left: Collection[int]) -> list[int]:
    """Return the contents that are reached from one over copies, ascending."""
    seen, todo = {start}, [start]
    while todo:
        new = {name for name in scores[todo.pop()] if name in left} - seen
        seen |= new
        todo += new
    return sorted(seen)


def _clique(keep: int, scores: Scores, part: Collection[int]) -> list[int]:
    """Return copies of a content that are copies of each other, the surest first."""
    near = [name for name in scores[keep] if name in part]
    taken: list[int] = []
    for name in sorted(near, key=lambda name: (-scores[keep][name], name)):
        if all(other in scores[name] for other in taken):
            taken.append(name)
    return taken
