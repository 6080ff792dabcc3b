"""What ``search`` searches: codes, and the store they were made from where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.pipeline.errors import NotFoundError, UsageError
from chainpipe.pipeline.store import FeatureStore

from ..model_folder.folder import ModelFacts
from .context import Tools
from .defaults import open_chosen_store
from .encode import CODES, encode_whole

if TYPE_CHECKING:
    from ..models.hasher import F32, Hasher
    from ..retrieval.codes import Codes
    from ..retrieval.hamming import Rows
    from ..retrieval.query import VideoNames


LOOKED_AT = 100  # files: if none is there, the library is elsewhere


@dataclass(eq=False)
class SearchedLibrary:
    """The codes of N videos and their store.

    Attributes:
        folder: Of the model.
        facts: Of the model.
        codes: Of the N videos.
        store: Their features, row by row; ``None`` where the store is not at hand.
    """

    folder: Path
    facts: ModelFacts
    codes: Codes
    store: FeatureStore | None

    @cached_property
    def root(self) -> Path | None:
        """The folder of the videos, where it is known and any of some videos is there.

        Otherwise it is the place of a drive that is not plugged in, or of another machine.
        """
        if self.store is None or not self.store.root:
            return None
        root, count = Path(os.fsdecode(self.store.root)), len(self.codes)
        rows = range(0, count, max(1, count // LOOKED_AT))
        there = (not _is_missing(root / os.fsdecode(self.codes.paths[row])) for row in rows)
        return root if any(there) else None

    @cached_property
    def hasher(self) -> Hasher:
        """The model."""
        from ..methods.registry import load_hasher

        return load_hasher(self.folder)[1]

    def names(self) -> VideoNames:
        """Return what queries are compared with."""
        from ..retrieval.query import VideoNames

        store = self.store

        def file_state(row: int) -> tuple[int, int]:
            assert store is not None
            return int(store.videos.size[row]), int(store.videos.mtime_ns[row])

        if store is None:
            return VideoNames(self.codes.paths, self.codes.video_ids, b"", lambda row: (-1, -1))
        return VideoNames(self.codes.paths, self.codes.video_ids, store.root, file_state)

    def path_of(self, row: int) -> Path:
        """Return the file of a row, below the root of the store where that is known."""
        root = b"" if self.store is None else self.store.root
        return Path(os.fsdecode(os.path.join(root, self.codes.paths[row])))

    def is_gone(self, row: int) -> bool:
        """Return whether a row's file was deleted; where the library's folder is away, it is not.

        Moved files are gone, too, until `extract` or `relocate` notes where they are.
        """
        return self.root is not None and _is_missing(self.root / os.fsdecode(self.codes.paths[row]))

    def means_of(self, rows: Rows) -> F32:
        """Return the mean features of rows, (n, D)."""
        from ..models.linear_hash import video_means

        assert self.store is not None
        return video_means(self.store.features(rows))


@contextmanager
def searched_library(
    folder: Path, facts: ModelFacts, *, codes: Path | None, store: Path | None, tools: Tools
) -> Iterator[SearchedLibrary]:
    """Open what is searched: codes that belong to the store, else codes alone.

    Args:
        folder: Of the model.
        facts: Of the model.
        codes: A codes file that was named; by default the model's own.
        store: A store that was named; by default the one that the model was trained on.
        tools: Of the command.

    Raises:
        NotFoundError: If there are neither codes nor a store.
        DamageError: If what there is, is damaged.
        UsageError: If the codes are of another model, or there are none.
    """
    path = codes or folder / CODES
    saved = _saved(path, facts, named=codes is not None)
    opened = _store(store, facts, tools, needed=saved is None)
    if opened is None:
        assert saved is not None
        yield _checked(SearchedLibrary(folder, facts, saved, None), path)
        return
    with opened:
        if saved is not None and _belongs(saved, facts, opened):
            yield _checked(SearchedLibrary(folder, facts, saved, opened), path)
        elif saved is not None and codes is not None:
            tools.log(f"{path} is not of this store: codes only")
            yield _checked(SearchedLibrary(folder, facts, saved, None), path)
        else:
            fresh = encode_whole(opened, folder, facts, tools)
            if saved is not None:
                tools.log("`chainpipe encode` writes codes of the store as it is now")
            yield _checked(SearchedLibrary(folder, facts, fresh, opened), path)


def _saved(path: Path, facts: ModelFacts, *, named: bool) -> Codes | None:
    """Return the codes of a file if they are of the model."""
    from ..retrieval.codes import read_codes

    try:
        codes = read_codes(path)
    except NotFoundError:
        if named:
            raise
        return None
    if (codes.origin.sha256, codes.bits) == (facts.weights_sha256, facts.bits):
        return codes
    if named:
        hint = "encode with this model, or name the other one with `--model`"
        raise UsageError(f"the codes in `{path}` are of another model", hint=hint)
    return None


def _belongs(codes: Codes, facts: ModelFacts, store: FeatureStore) -> bool:
    from ..retrieval.encode import belongs

    return belongs(codes, facts, store)


def _store(
    given: Path | None, facts: ModelFacts, tools: Tools, *, needed: bool
) -> FeatureStore | None:
    """Open the store; ``None`` where it is gone, was not named and is not needed."""
    try:
        return open_chosen_store(given, facts, tools.log, read_table=False)
    except NotFoundError as error:
        if given is not None or needed:
            raise
        tools.log(f"{error}: codes only")
        return None


def _is_missing(path: Path) -> bool:
    """Return whether nothing is there; what cannot be looked at may be there."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _checked(library: SearchedLibrary, path: Path) -> SearchedLibrary:
    if not len(library.codes):
        hint = "encode a store that has some"
        raise UsageError(f"there are no videos to search in `{path}`", hint=hint)
    return library
