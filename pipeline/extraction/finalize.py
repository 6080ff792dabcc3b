"""Finish an extraction: merge rows of earlier runs and of this run in one store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import NamedTuple

from ..inputs.manifest import Manifest
from ..records import (
    AugmentationStatistics,
    FailedVideo,
    Split,
    StoreMeta,
    VideoFeatures,
    VideoItem,
)
from ..store import FeatureStore, Journal, iter_rows, write_store


@dataclass(frozen=True, slots=True)
class FinalContents:
    """Contents of the finished store.

    Attributes:
        order: The rows' paths: those of the old store in their places, then new ones.
        fresh: Paths whose rows are in the journal; the others come from the old store.
        failed: Videos without a row, in the manifest's order.
        items: Labels and splits by path, where the manifest says nothing those of the old store;
            rows that the manifest lacks keep theirs.
    """

    order: tuple[bytes, ...]
    fresh: frozenset[bytes]
    failed: tuple[FailedVideo, ...]
    items: Mapping[bytes, VideoItem]

    @property
    def unnamed(self) -> tuple[bytes, ...]:
        """Return the rows' paths that the manifest no longer names."""
        return tuple(path for path in self.order if path not in self.items)

    def without(self, paths: Iterable[bytes]) -> FinalContents:
        """Return the same without some rows."""
        dropped = frozenset(paths)
        order = tuple(path for path in self.order if path not in dropped)
        return replace(self, order=order, fresh=self.fresh - dropped)

    def unnamed_failures(self, old: FeatureStore | None) -> tuple[FailedVideo, ...]:
        """Return failed videos of the old store that the manifest lacks, and that did not move."""
        before = () if old is None else old.failed
        known = {video.path for video in before}
        moved = {video.video_id for video in self.failed if video.path not in known}
        return tuple(
            video
            for video in before
            if video.path not in self.items and video.video_id and video.video_id not in moved
        )


def plan_contents(manifest: Manifest, journal: Journal, old: FeatureStore | None) -> FinalContents:
    """Decide what the finished store holds.

    A row of a video that is no longer in the manifest is kept, unless its bytes are now under a
    path that did not have them: then the video has moved there.

    Args:
        manifest: All videos, with labels and splits.
        journal: What was done since the old store was written.
        old: The finished store of an earlier run.
    """
    known = _labels_and_splits(old)
    items = {item.path: item for item in manifest.items}
    fresh = {path: done.video_id for path, done in journal.done().items()}
    failed = {video.path: video for video in journal.failed()}
    earlier = {} if old is None else _rows_of(old)
    ids = {path: video_id for path, video_id in (earlier | fresh).items() if path not in failed}
    moved = {ids[path] for path in ids if path in items and earlier.get(path) != ids[path]}
    kept = [path for path in ids if path in items or ids[path] not in moved]
    order = [path for path in kept if path in earlier]  # old rows stay in their places
    order += [path for path in items if path in ids and path not in earlier]
    order += [path for path in kept if path not in earlier and path not in items]
    if old is not None:
        failed = {v.path: v for v in old.failed if v.path not in fresh} | failed
    return FinalContents(
        order=tuple(order),
        fresh=frozenset(fresh).intersection(order),
        failed=tuple(failed[path] for path in items if path in failed),
        items={path: _resolved(item, known, ids.get(path)) for path, item in items.items()},
    )


class _Known(NamedTuple):
    """Labels and split of each row of a store, by path, and of all its duplicates by content."""

    by_path: dict[bytes, VideoItem]
    by_content: dict[bytes, list[VideoItem]]


def _labels_and_splits(old: FeatureStore | None) -> _Known:
    known = _Known({}, defaultdict(list))
    if old is not None:
        table = old.videos
        for row, path in enumerate(table.paths):
            item = VideoItem(path, table.names_of(row), Split(table.split[row]))
            known.by_path[path] = item
            known.by_content[bytes(table.ids[row])].append(item)
    return known


def _shared_end(one: bytes, other: bytes) -> int:
    """Return how many parts of two paths agree, from the end.

    >>> _shared_end(b"a/cat/1.mp4", b"b/cat/1.mp4")
    2
    """
    pairs = zip(reversed(one.split(b"/")), reversed(other.split(b"/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _resolved(item: VideoItem, known: _Known, video_id: bytes | None) -> VideoItem:
    """Fill in what the manifest leaves open.

    From the old row of the same content, of several the one whose path is most like this one's;
    without one, as after an edit of the file, from the old row of the path.
    """
    same = known.by_content.get(video_id or b"", [])
    like = max(same, key=lambda one: _shared_end(one.path, item.path), default=None)
    before = like or known.by_path.get(item.path) or VideoItem(item.path)
    labels = before.labels if item.labels is None else item.labels
    split = before.split if item.split is None else item.split
    return VideoItem(item.path, labels or (), split or Split.NONE)


def is_unchanged(
    old: FeatureStore, contents: FinalContents, *, root: bytes, augmentation_changed: bool = False
) -> bool:
    """Return whether a finished store already holds exactly ``contents``.

    Args:
        old: The finished store.
        contents: What it should hold.
        root: Folder that its paths should be relative to.
        augmentation_changed: Whether there are new augmentation statistics for it.
    """
    if augmentation_changed or old.root != root:
        return False
    if old.videos.paths != contents.order or contents.fresh or old.failed != contents.failed:
        return False
    for row, path in enumerate(contents.order):
        item = contents.items.get(path)
        mine = set(old.videos.names_of(row)), Split(old.videos.split[row])
        if item is not None and mine != (set(item.labels or ()), item.split):
            return False
    return True


def write(
    journal: Journal,
    old: FeatureStore | None,
    contents: FinalContents,
    *,
    root: bytes,
    meta: StoreMeta,
    augmentation: AugmentationStatistics | None,
    on_row: Callable[[], None],
) -> None:
    """Write the store by one atomic rename and remove the journal.

    Args:
        journal: Holds the fresh rows; its output is written.
        old: Holds the other rows.
        contents: What to write.
        root: Folder that the paths are relative to.
        meta: The settings of all rows.
        augmentation: How augmentation moves the features, if it was measured.
        on_row: Called before each row; what it raises stops the writing.

    Raises:
        StorageError: If the disk does not take it.
        DamageError: If a row to copy is damaged.
    """

    def rows() -> Iterator[VideoFeatures]:
        for video in _merge_rows(journal, old, contents):
            on_row()
            yield _with_labels(video, contents.items)

    write_store(  # fresh rows are finite, or the journal had refused them; old ones are kept
        journal.out,
        root=root,
        meta=meta,
        rows=rows(),
        count=len(contents.order),
        failed=contents.failed,
        label_names=_label_names(old, contents),
        allow_nan=True,
        augmentation=augmentation,
    )
    journal.finish()


def select_rows(
    journal: Journal, old: FeatureStore | None, contents: FinalContents, paths: Sequence[bytes]
) -> Iterator[VideoFeatures]:
    """Yield some of the rows, in the order of ``paths``."""
    row_of = {} if old is None else {path: row for row, path in enumerate(old.videos.paths)}
    for path in paths:
        if path in contents.fresh:
            yield from journal.rows([path])
        elif old is not None:
            yield from iter_rows(old, range(row_of[path], row_of[path] + 1))


def _rows_of(old: FeatureStore) -> dict[bytes, bytes]:
    """Return the content of each row, by path, in order."""
    ids = (row.tobytes() for row in old.videos.ids)
    return dict(zip(old.videos.paths, ids, strict=True))


def _merge_rows(
    journal: Journal, old: FeatureStore | None, contents: FinalContents
) -> Iterator[VideoFeatures]:
    fresh = journal.rows([path for path in contents.order if path in contents.fresh])
    earlier = iter(()) if old is None else iter_rows(old)
    for path in contents.order:
        if path in contents.fresh:
            yield next(fresh)
        else:  # both run in the old store's order
            yield next(video for video in earlier if video.path == path)


def _with_labels(video: VideoFeatures, items: Mapping[bytes, VideoItem]) -> VideoFeatures:
    item = items.get(video.path)
    if item is None:
        return video
    return replace(video, labels=item.labels or (), split=item.split or Split.NONE)


def _label_names(old: FeatureStore | None, contents: FinalContents) -> list[str]:
    names = {name for path in contents.order for name in _labels_of(contents.items.get(path))}
    if old is not None:
        for row, path in enumerate(old.videos.paths):
            if path not in contents.items and path not in contents.fresh:
                names.update(old.videos.names_of(row))
    return sorted(names)


def _labels_of(item: VideoItem | None) -> tuple[str, ...]:
    return (item.labels if item else None) or ()
