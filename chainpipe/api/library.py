"""A library in Python: list a store's videos, tell it where they are, bring it up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from chainpipe.library.update import SETTLE, UpdateOptions, UpdateReport, update_library
from chainpipe.pipeline.cli.listing import VideoLine, video_lines
from chainpipe.pipeline.extraction.option_values import failures_named
from chainpipe.pipeline.extraction.relocate import RelocateReport
from chainpipe.pipeline.extraction.relocate import relocate as run_relocation
from chainpipe.pipeline.extraction.signals import Interrupted
from chainpipe.pipeline.options import BackboneOptions, InputOptions, OutputOptions

from .callback_console import CallbackConsole
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


def update(
    store: str | os.PathLike[str],
    *,
    videos: str | os.PathLike[str] | None = None,
    model: str | os.PathLike[str] | None = None,
    codes: str | os.PathLike[str] | None = None,
    prune: bool = OutputOptions.prune,
    prune_folders: bool = OutputOptions.prune_folders,
    retry: tuple[str, ...] = (),
    settle: float = SETTLE,
    compare: bool = True,
    workers: int | None = None,
    device: str = BackboneOptions.device,
    trust_weights: bool = BackboneOptions.trust_weights,
    progress: Callable[[int, int], None] | None = None,
    log: Callable[[str], None] | None = None,
) -> UpdateReport:
    """Bring a store and its codes up to date with the files, and say what changed.

    New and changed videos are extracted with the store's settings, encoded with its model and
    compared with the others. It may be killed at any moment: the next call goes on.

    Args:
        store: Path of the store.
        videos: Folder or list of its videos, where they are not where they were.
        model: Folder of the model; by default the newest in ``models/`` that was trained on the
            store.
        codes: The codes file; by default that of the model folder.
        prune: Whether to drop the rows of files that are gone.
        prune_folders: Whether to drop the rows of files whose folder is gone, too.
        retry: Failed videos to try again: ``("corrupt",)``, ``("all",)`` ...
        settle: Seconds without a change after which a file counts as finished.
        compare: Whether to say what new videos are similar to.
        workers: Videos decoded in parallel; by default one per core.
        device: Device of the backbone: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        trust_weights: Whether ``.pt`` and ``.bin`` weights may be read.
        progress: Called with the number of steps done and their total.
        log: Called with lines about the run.

    Returns:
        ``changes`` names files that are new, changed, moved, gone or back; ``new`` what new videos
        are similar to; ``copies`` those of them that are copies; ``new_failures`` the videos that
        failed for the first time.

    Raises:
        NotFoundError: If there is no such store or model.
        UsageError: If its videos are not there, or a value is wrong.
        LockedError: If another process writes it.
        DamageError: If store, model or codes are damaged.
        StorageError: If it cannot be written.

    Example:
        >>> import chainpipe
        >>> for video in chainpipe.update("feats.h5").copies:  # doctest: +SKIP
        ...     print(video.path, video.answers[0].path)
    """
    options = UpdateOptions(
        videos=None if videos is None else Path(videos),
        model=None if model is None else Path(model),
        codes=None if codes is None else Path(codes),
        prune=prune,
        prune_folders=prune_folders,
        retry=failures_named(retry),
        settle=settle,
        compare=compare,
        workers=workers,
        device=device,
        trust_weights=trust_weights,
    )
    try:
        return update_library(Path(store), options, console=CallbackConsole(progress, log))
    except Interrupted:
        raise KeyboardInterrupt from None
