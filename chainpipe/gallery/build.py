"""Build a gallery: from a store, and what other commands found in it, to a folder of pages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from chainpipe.pipeline.console import counted, printable
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors
from chainpipe.pipeline.store.lock import output_lock

from .contents import page_contents
from .inputs import GalleryInputs
from .library import shown_library
from .page_files import PAGE, check_folder, mark_folder, write_pages
from .strips import FOLDER, StripFolder

__all__ = ["GalleryInputs", "GalleryReport", "build_gallery"]

Log = Callable[[str], None]
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


def _silent(what: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda steps: None)


@dataclass(frozen=True, slots=True)
class GalleryReport:
    """What a build did.

    Attributes:
        page: The page to open.
        videos: Videos of the library.
        pairs: Pairs of duplicates that are shown.
        places: Places of clips in films that are shown.
        without: Videos without pictures.
        removed: Picture files of earlier builds that no page shows any more.
    """

    page: Path
    videos: int
    pairs: int
    places: int
    without: int
    removed: int


def build_gallery(
    store: Path,
    out: Path,
    inputs: GalleryInputs | None = None,
    *,
    restart: bool = False,
    log: Log = lambda line: None,
    progress: Progress = _silent,
) -> GalleryReport:
    """Make a gallery, or bring one up to date: pictures that are there are not made again.

    Args:
        store: The feature store.
        out: The folder; a new or empty one, or an earlier gallery.
        inputs: What is shown beside the store.
        restart: Whether to make all pictures anew, beside the old gallery, which goes last.
        log: Prints one line.
        progress: Shows how far it is: ``with progress(what, total) as advance``.

    Raises:
        UsageError: If ``out`` holds anything else, or inputs do not fit the store.
        NotFoundError: If a file that was named is not there.
        DamageError: If store, model or codes are damaged.
        StorageError: If the disk does not take the pages.
        LockedError: If another process writes the gallery.
    """
    wanted = inputs or GalleryInputs()
    check_folder(out)
    with shown_library(
        store, model=wanted.model, codes=wanted.codes, log=log, progress=progress
    ) as library:
        with storage_errors(out):
            out.parent.mkdir(parents=True, exist_ok=True)
        root = Path(os.fsdecode(library.store.root))
        with output_lock(out), _place(out, restart=restart) as folder:
            strips = StripFolder(folder / FOLDER, library.store.videos, root)
            found = page_contents(library, wanted, folder, strips, progress=progress)
            write_pages(folder, found.data, title=printable(library.store.path.name))
            removed = strips.remove_others(found.files)
    videos = len(library.store.videos)
    if found.without:
        why = next(iter(strips.missing.values()), "the store does not know when they are shown")
        log(f"{found.without} of {counted(videos, 'video')} without pictures; the first: {why}")
    return GalleryReport(out / PAGE, videos, found.pairs, found.places, found.without, removed)


@contextmanager
def _place(out: Path, *, restart: bool) -> Iterator[Path]:
    """Give the folder to build in: the gallery itself, or one that replaces it in the end."""
    if not (restart and out.exists()):
        mark_folder(out)
        yield out
        return
    with storage_errors(out), atomic_replace(out) as temporary:
        mark_folder(temporary)
        yield temporary
