"""The videos of a store at its last update, kept beside it: what changes are told against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainpipe.hashing.retrieval.packed_paths import PackedPaths
from chainpipe.hashing.retrieval.safe_npz import read_npz
from chainpipe.pipeline.errors import ChainpipeError
from chainpipe.pipeline.records import FailedVideo, Status
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors
from chainpipe.pipeline.store.base import FeatureStore

FILE = "known.npz"
_NAMES = (
    *("path_bytes", "path_offsets", "ids", "checksums", "present"),
    *("failed_bytes", "failed_offsets", "failed_ids", "failed_status"),
)
_UNREAD = bytes(32)


@dataclass(frozen=True, slots=True, eq=False)
class KnownVideos:
    """N videos of a store, and those that failed.

    Attributes:
        paths: As the store has them.
        ids: SHA-256 of each file's bytes, (N, 32) uint8.
        checksums: SHA-256 of each row's features, (N, 32) uint8.
        present: Whether each file was there, (N,) bool.
        failed: The videos without a row; path, bytes and status only.
    """

    paths: Sequence[bytes]
    ids: npt.NDArray[np.uint8]
    checksums: npt.NDArray[np.uint8]
    present: npt.NDArray[np.bool_]
    failed: tuple[FailedVideo, ...]

    @classmethod
    def of(cls, store: FeatureStore) -> KnownVideos:
        """Look at a store, and at which of its files are there."""
        table = store.videos
        there = [os.path.lexists(os.path.join(store.root, path)) for path in table.paths]
        return cls(
            table.paths,
            np.asarray(table.ids),
            np.asarray(table.checksums),
            np.array(there, bool),
            store.failed,
        )

    def all_there(self) -> KnownVideos:
        """Return the same videos, all of them with their files."""
        return replace(self, present=np.ones_like(self.present))

    def save(self, folder: Path) -> None:
        """Write it into a folder, in one rename.

        Raises:
            StorageError: If the disk does not take it.
        """
        paths = PackedPaths.of(self.paths)
        failed = PackedPaths.of([video.path for video in self.failed])
        ids = b"".join(video.video_id or _UNREAD for video in self.failed)
        columns: dict[str, Any] = {
            "path_bytes": paths.run,
            "path_offsets": paths.offsets,
            "ids": self.ids,
            "checksums": self.checksums,
            "present": self.present.astype(np.uint8),
            "failed_bytes": failed.run,
            "failed_offsets": failed.offsets,
            "failed_ids": np.frombuffer(ids, np.uint8).reshape(-1, 32),
            "failed_status": np.array([video.status for video in self.failed], np.uint8),
        }
        path = folder / FILE
        with storage_errors(path), atomic_replace(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **columns)

    @classmethod
    def load(cls, folder: Path) -> KnownVideos | None:
        """Read what :meth:`save` wrote; ``None`` where there is none or it is damaged.

        A damaged file costs no more than the report of what changed since.
        """
        with suppress(ChainpipeError, ValueError, KeyError, IndexError):
            found = read_npz(folder / FILE, _NAMES, what="list of known videos", hint="")
            failed = PackedPaths(found["failed_bytes"], found["failed_offsets"].copy())
            facts = zip(failed, found["failed_ids"], found["failed_status"].tolist(), strict=True)
            return cls(
                tuple(PackedPaths(found["path_bytes"], found["path_offsets"].copy())),
                found["ids"],
                found["checksums"],
                found["present"].astype(bool),
                tuple(
                    FailedVideo(path, Status(status), "", video_id=_id(video_id.tobytes()))
                    for path, video_id, status in facts
                ),
            )
        return None


def _id(found: bytes) -> bytes:
    return b"" if found == _UNREAD else found
