"""What changed in a library between two looks at it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

from .known_videos import KnownVideos


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths of the videos that are not as they were.

    Attributes:
        added: New files.
        changed: Files with other bytes than before, under the same path.
        moved: Old and new path of files of the same bytes.
        gone: Files that are not there any more; their rows stay.
        back: Files that were gone and are there again.
        dropped: Videos that lost their row: pruned, or no longer readable.
    """

    added: tuple[bytes, ...] = ()
    changed: tuple[bytes, ...] = ()
    moved: tuple[tuple[bytes, bytes], ...] = ()
    gone: tuple[bytes, ...] = ()
    back: tuple[bytes, ...] = ()
    dropped: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.changed, self.moved, self.gone, self.back, self.dropped))


def changes_between(before: KnownVideos, after: KnownVideos) -> Changes:
    """Compare two looks at a library.

    A video moved if its bytes are under a path that did not have them, and no longer under one
    that did.
    """
    was, now = _ids(before), _ids(after)
    there = dict(zip(before.paths, before.present.tolist(), strict=True))
    here = dict(zip(after.paths, after.present.tolist(), strict=True))
    left: dict[bytes, deque[bytes]] = defaultdict(deque)
    for path, video_id in was.items():
        if now.get(path) != video_id:
            left[video_id].append(path)
    added, changed, moved = [], [], []
    for path, video_id in now.items():
        if was.get(path) == video_id:
            continue
        if left[video_id]:
            moved.append((left[video_id].popleft(), path))
        elif path in was:
            changed.append(path)
        else:
            added.append(path)
    same = [path for path in now if was.get(path) == now[path]]
    old_places = {old for old, _ in moved}
    return Changes(
        tuple(added),
        tuple(changed),
        tuple(moved),
        gone=tuple(path for path in same if there[path] and not here[path]),
        back=tuple(path for path in same if here[path] and not there[path]),
        dropped=tuple(path for path in was if path not in now and path not in old_places),
    )


def _ids(known: KnownVideos) -> dict[bytes, bytes]:
    ids = (row.tobytes() for row in known.ids)
    return dict(zip(known.paths, ids, strict=True))
