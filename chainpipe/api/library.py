"""A library in Python: list a store's videos, and tell it where they are now."""

from __future__ import annotations

import os
from pathlib import Path

from chainpipe.pipeline.cli.listing import VideoLine, video_lines
from chainpipe.pipeline.extraction.relocate import RelocateReport
from chainpipe.pipeline.extraction.relocate import relocate as run_relocation
from chainpipe.pipeline.options import InputOptions

from .store import Store, reading


def list_videos(store: Store | str | os.PathLike[str]) -> list[VideoLine]:
    """List the videos of a store and those that failed, as ``chainpipe list --json`` does.

    Args:
        store: A store or its path.

    Returns:
        A dictionary for each row, then for each failed video, with ``path``, ``id`` (SHA-256 of
        the file, hexadecimal), ``status``, ``duration`` in seconds, ``label`` (a list), ``split``,
        ``blank`` (why its frames carry no information) and ``root``.

    Raises:
        NotFoundError: If there is no such store.
        DamageError: If it is damaged.

    Example:
        >>> import chainpipe, numpy as np
        >>> store = chainpipe.store_from_arrays(np.zeros((2, 5, 4)), ids=["a", "b"])
        >>> [line["path"] for line in chainpipe.list_videos(store)]
        ['a', 'b']
    """
    with reading(store) as opened:
        return list(video_lines(opened))


def relocate(
    store: str | os.PathLike[str],
    videos: str | os.PathLike[str],
    *,
    follow_symlinks: bool = InputOptions.follow_symlinks,
) -> RelocateReport:
    """Give a store the new paths of its videos after they were moved; nothing is decoded.

    Videos are known by their content.

    Args:
        store: Path of the store, which is written again in one rename.
        videos: The folder where its videos are now.
        follow_symlinks: Whether to enter linked folders.

    Returns:
        ``found`` and ``renamed`` count videos; ``missing`` names those found nowhere, ``dropped``
        those of them whose path another video has now.

    Raises:
        UsageError: If most videos are not there, some are still where they were, there is no such
            folder, or an extraction of the store is unfinished.
        NotFoundError: If there is no such store.
        DamageError: If it is damaged.
        LockedError: If another process writes it.
        StorageError: If it cannot be written.

    Example:
        >>> import chainpipe
        >>> report = chainpipe.relocate("feats.h5", "/mnt/new/videos")  # doctest: +SKIP
        >>> try:
        ...     chainpipe.relocate("feats.mp4", "videos")
        ... except chainpipe.UsageError as error:
        ...     print(error)
        no store format for `feats.mp4`
    """
    return run_relocation(Path(store), Path(videos), follow_symlinks=follow_symlinks)
