"""Failed videos that are known: they may have moved since they failed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from ..records import FailedVideo, Status


def new_failures(
    failed: Sequence[FailedVideo], before: Sequence[FailedVideo]
) -> tuple[FailedVideo, ...]:
    """Return the videos that did not fail before, under this path or another that is gone.

    A failed video moved if one of the same bytes failed before under a path that no longer fails;
    where bytes are not known, one of the same name and status.

    Args:
        failed: Those of now.
        before: Those of before.
    """
    now, known = {video.path for video in failed}, {video.path for video in before}
    gone = [video for video in before if video.path not in now]
    ids = Counter(video.video_id for video in gone if video.video_id)
    names = Counter(_name(video) for video in gone if not video.video_id)
    new = []
    for video in (video for video in failed if video.path not in known):
        if video.video_id and ids[video.video_id]:
            ids[video.video_id] -= 1
        elif names[_name(video)]:
            names[_name(video)] -= 1
        else:
            new.append(video)
    return tuple(new)


def _name(video: FailedVideo) -> tuple[bytes, Status]:
    return os.path.basename(video.path), video.status
