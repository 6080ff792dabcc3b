"""Describe a store, as a table or as JSON fields."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable

import numpy as np
from rich.table import Table

from ..console import counted, format_duration, format_size, printable
from ..records import AugmentationStatistics, Split, Status, StoreMeta, count_statuses
from ..store import FeatureStore, SequenceStore, bytes_on_disk


def store_facts(store: FeatureStore) -> dict[str, object]:
    """Return what a store holds as JSON-able facts."""
    n, t, d = store.shape
    table = store.videos
    per_label = table.labels.sum(axis=0, dtype=np.int64).tolist()
    return {
        "schema": 1,
        "path": os.fsdecode(store.path),
        "root": os.fsdecode(store.root),
        "videos": n,
        "frames": t,
        "dim": d,
        **_per_time_facts(store),
        "settings": store.meta.settings(),
        "chainpipe": store.meta.chainpipe,
        "labels": dict(zip(table.label_names, per_label, strict=True)),
        "splits": _counts(Split(number).name.lower() for number in table.split.tolist()),
        "status": {
            status.label: number
            for status, number in count_statuses(table.status.tolist(), store.failed).items()
        },
        "duration": float(table.duration.sum()),
        "distinct": len(np.unique(table.ids, axis=0)),
        "bytes": bytes_on_disk(store.path),
        "augmentation": _statistics_facts(store.augmentation()),
        "partial": [
            {"path": os.fsdecode(table.paths[row]), "note": table.notes[row]}
            for row in np.flatnonzero(table.status == Status.PARTIAL).tolist()
        ],
        "mended": [
            {"path": os.fsdecode(table.paths[row]), "note": table.notes[row]}
            for row in mended_rows(store)
        ],
        "failed": [
            {
                "path": os.fsdecode(video.path),
                "status": video.status.label,
                "message": video.message,
                "attempts": video.attempts,
                "command": video.command,
                "stderr": video.stderr,
            }
            for video in store.failed
        ],
    }


def store_table(store: FeatureStore) -> Table:
    """Draw what a store holds."""
    n, t, d = store.shape
    meta, videos = store.meta, store.videos
    table = Table(title=printable(store.path), title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("videos", f"{n}, {len(np.unique(videos.ids, axis=0))} distinct")
    frames = _frames_line(store) or _segments_line(meta) or counted(t, "frame")
    table.add_row("features", f"{counted(n, 'video')} x {frames} x {d}, {meta.dtype}")
    weights = meta.fingerprint.weights_sha256[:12]  # features that were imported have none
    table.add_row("backbone", meta.fingerprint.backbone + f" ({weights})" * bool(weights))
    table.add_row("preprocessing", meta.fingerprint.preprocessing)
    step = f"every {meta.every:g} s" if meta.every else f"{meta.sampling} by {meta.by}"
    table.add_row("sampling", step + ", strict" * meta.strict)
    _add_cached(table, store)
    table.add_row("footage", format_duration(float(videos.duration.sum())))
    table.add_row("labels", _labels_line(store))
    table.add_row("splits", _line(Split(s).name.lower() for s in videos.split.tolist()))
    counts = count_statuses(videos.status.tolist(), store.failed)
    table.add_row("status", ", ".join(f"{count} {s.label}" for s, count in counts.items()))
    table.add_row("folder", printable(store.root))
    table.add_row("size", format_size(bytes_on_disk(store.path)))
    table.add_row("made by", f"chainpipe {meta.chainpipe or 'unknown'}")
    return table


def _per_time_facts(store: FeatureStore) -> dict[str, object]:
    if not isinstance(store, SequenceStore):
        return {}
    return {"every": store.meta.every, "all_frames": int(store.counts().sum())}


def _segments_line(meta: StoreMeta) -> str:
    """Say how many frames a video encoder made each feature of; nothing for an image network."""
    found = re.search(r" frames=(\d+)$", meta.fingerprint.preprocessing)
    return f"{counted(meta.frames, 'segment')} of {found[1]} frames" if found else ""


def _frames_line(store: FeatureStore) -> str:
    """Return how many frames the videos of a store made per time have."""
    if not isinstance(store, SequenceStore):
        return ""
    counts = store.counts()
    few, most = int(counts.min()), int(counts.max())
    return counted(few, "frame") if few == most else f"{few} to {counted(most, 'frame')}"


def partial_table(store: FeatureStore) -> Table:
    """Draw which videos could be decoded in part only."""
    table = Table("video", "what was wrong", title="partial", title_justify="left")
    videos = store.videos
    for row in np.flatnonzero(videos.status == Status.PARTIAL).tolist():
        table.add_row(printable(videos.paths[row]), printable(videos.notes[row]))
    return table


def mended_rows(store: FeatureStore) -> list[int]:
    """Return the rows of whole videos whose clock, times or colours were mended."""
    videos = store.videos
    ok = np.flatnonzero(videos.status == Status.OK).tolist()
    return [row for row in ok if videos.notes[row]]


def mended_table(store: FeatureStore) -> Table:
    """Draw which whole videos had their clock, times or colours mended, and how."""
    table = Table("video", "what was mended", title="mended", title_justify="left")
    for row in mended_rows(store):
        table.add_row(printable(store.videos.paths[row]), printable(store.videos.notes[row]))
    return table


def failures_table(store: FeatureStore) -> Table:
    """Draw which videos have no features, and why."""
    table = Table("video", "status", "why", title="failed", title_justify="left")
    for video in store.failed:
        table.add_row(printable(video.path), _status(video.status), printable(video.message))
    return table


def _add_cached(table: Table, store: FeatureStore) -> None:
    """Add rows about what is cached beside the features, if anything is."""
    meta, statistics = store.meta, store.augmentation()
    if meta.per_segment:
        table.add_row("candidates", f"{meta.per_segment} in each of {meta.frames} segments")
    if meta.views:
        table.add_row("views", f"{meta.views} of each video, {meta.views_mode}, seed {meta.seed}")
    if statistics is not None:
        share = f"{statistics.explained:.0%} of the variance in {len(statistics.basis)} directions"
        table.add_row("augmentation", f"{share}, from {counted(statistics.videos, 'video')}")


def _statistics_facts(statistics: AugmentationStatistics | None) -> dict[str, object] | None:
    if statistics is None:
        return None
    numbers = ("explained", "shared", "videos", "shifts", "augmentation", "mode", "seed")
    facts = {name: getattr(statistics, name) for name in numbers}
    return {"directions": len(statistics.basis), **facts}


def _labels_line(store: FeatureStore) -> str:
    names = store.videos.label_names
    if not names:
        return "none"
    counts = store.videos.labels.sum(axis=0, dtype=np.int64).tolist()
    most = sorted(zip(counts, names, strict=True), key=lambda pair: (-pair[0], pair[1]))[:8]
    listed = ", ".join(f"{printable(name)} {count}" for count, name in most)
    return f"{len(names)}: {listed}" + (", ..." if len(names) > 8 else "")


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names))


def _line(names: Iterable[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(names).items())


def _status(status: Status) -> str:
    return status.label.replace("_", " ")
