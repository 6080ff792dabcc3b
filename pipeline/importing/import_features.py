"""Import features: a first pass that checks them, a second one that writes the store."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..console import Console
from ..errors import DamageError, NotFoundError, UsageError
from ..options import SamplingOptions
from ..records import Fingerprint, StoreMeta, VideoFeatures
from ..store import atomic, check_suffix, is_unfinished, open_store, write_store
from ..store.arrays.columns import Columns
from ..store.atomic import storage_errors
from ..store.lock import output_lock
from .import_options import ImportOptions
from .open_source import open_source
from .store_rows import store_rows
from .survey import SourceSurvey, bad_words, survey
from .values import columns_of, with_labels

UNKNOWN_STEP = 1.0  # seconds between two frames where videos differ in length and nobody says
PREFIX = "imported:"  # keeps features of others from passing for ours
PREPROCESSING = "as imported"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How an import went.

    Attributes:
        out: The store.
        column: What was read.
        videos: How many rows it has.
        lengths: Fewest and most frames of a video.
        meta: The store's settings.
        labelled: How many videos have a label.
        bad: Numbers of the videos that were left out.
        unchanged: Whether the store held exactly this before.
        notes: Lines for the user.
        unread: Names of columns that were not read.
    """

    out: Path
    column: str
    videos: int
    lengths: tuple[int, int]
    meta: StoreMeta
    labelled: int
    bad: tuple[int, ...]
    unchanged: bool
    notes: tuple[str, ...]
    unread: tuple[str, ...]


def import_features(options: ImportOptions, *, console: Console) -> ImportReport:
    """Make a store of features that something else computed.

    Args:
        options: What to import.
        console: Shows progress.

    Raises:
        UsageError: If the features cannot be stored as asked, or ``out`` holds something else.
        NotFoundError: If there is no such source.
        DamageError: If a source is damaged, or changes while it is read.
        LockedError: If another process writes ``out``.
        StorageError: If the disk does not take it.
    """
    check_suffix(options.out)
    _check_places(options)
    source = open_source(options.sources, options.names)
    with console.progress("check", source.count) as advance:
        found = survey(source, options.numpy_dtype, progress=advance)
    _check(found, options)
    columns, notes = columns_of(found.raw), _notes(found, options)
    if options.labels is not None:
        columns, more = with_labels(columns, options.labels)
        notes += more
    meta = _meta(found, options, _digest(found, columns))
    unchanged = _is_there(options, meta)
    if not unchanged:
        with (
            storage_errors(options.out),
            output_lock(options.out),
            console.progress("write", len(found.lengths)) as advance,
        ):
            rows = _counted(store_rows(source, found, columns, meta), advance)
            _write(options, meta, rows, columns)
    return ImportReport(
        out=options.out,
        column=source.column,
        videos=len(found.lengths),
        lengths=(min(found.lengths), max(found.lengths)),
        meta=meta,
        labelled=int(columns.labels.any(axis=1).sum()),
        bad=tuple(one.number for one in found.bad),
        unchanged=unchanged,
        notes=notes,
        unread=tuple(source.unread),
    )


def _check_places(options: ImportOptions) -> None:
    """Refuse an output that would replace a source, or hold or lie in one."""
    out = os.path.realpath(options.out)
    for source in options.sources:
        place = os.path.realpath(source)
        if out == place or place.startswith(out + os.sep):
            hint = "choose another `--out`"
            raise UsageError(f"`{options.out}` would replace `{source}`", hint=hint)


def _check(found: SourceSurvey, options: ImportOptions) -> None:
    if found.bad and not options.skip_bad:
        raise UsageError(bad_words(found.bad), hint="`--skip-bad` leaves them out")
    if not found.lengths:
        what = bad_words(found.bad) if found.bad else f"`{options.sources[0]}` has no videos"
        raise UsageError(what, hint="there is nothing to import")


def _notes(found: SourceSurvey, options: ImportOptions) -> tuple[str, ...]:
    few, most = min(found.lengths), max(found.lengths)
    if few == most or options.every:
        return ()
    words = f"the videos have {few} to {most} frames, taken to be {UNKNOWN_STEP:g} s apart"
    return (f"{words}: `--every` tells it",)


def _meta(found: SourceSurvey, options: ImportOptions, content: str) -> StoreMeta:
    """Return the settings of the store; of videos that differ in length each keeps its frames."""
    from chainpipe.distribution import installed_version

    most = max(found.lengths)
    ragged = len(set(found.lengths)) > 1
    every = options.every or (UNKNOWN_STEP if ragged else 0.0)
    name = options.backbone.strip()
    return StoreMeta(
        Fingerprint(PREFIX + name.removeprefix(PREFIX), "", found.dim, PREPROCESSING),
        min(SamplingOptions.frames, most) if every else most,
        sampling="as given",
        by="time" if every else "index",
        dtype=found.dtype.name,
        every=every,
        chainpipe=installed_version(),
        inputs=json.dumps({"import": {"sha256": content, "from": options.sources[0].name}}),
    )


def _digest(found: SourceSurvey, columns: Columns) -> str:
    """Return what tells whether a store holds the same."""
    digest = hashlib.sha256(found.sha256.encode())
    for part in (columns.labels, columns.split):
        digest.update(part.tobytes())
    digest.update(repr((columns.paths, columns.label_names)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _is_there(options: ImportOptions, meta: StoreMeta) -> bool:
    """Return whether the output holds exactly this already.

    Raises:
        UsageError: If it holds something else, and is not to be replaced.
    """
    out = options.out
    if is_unfinished(out):
        hint = "finish it, or choose another `--out`"
        raise UsageError(f"an extraction of `{out}` is not finished", hint=hint)
    if not out.exists():
        return False
    try:
        with open_store(out) as old:
            same = old.meta.inputs == meta.inputs and not old.meta.differences(meta)
            same = same and old.root == options.root
    except NotFoundError as error:
        hint = "choose another `--out`, or move it away"
        raise UsageError(f"`{out}` exists and is not a feature store", hint=hint) from error
    except DamageError:
        same = False
    if not same and not options.restart:
        hint = "choose another `--out`, or add `--restart` to replace it"
        raise UsageError(f"`{out}` exists and holds something else", hint=hint)
    return same and not options.restart


def _counted(
    rows: Iterator[VideoFeatures], advance: Callable[[int], None]
) -> Iterator[VideoFeatures]:
    for row in rows:
        yield row
        advance(1)


def _write(
    options: ImportOptions, meta: StoreMeta, rows: Iterator[VideoFeatures], columns: Columns
) -> None:
    atomic.restore(options.out)
    for left in atomic.leftovers(options.out):  # of a killed import
        atomic.remove(left)
    write_store(
        options.out,
        root=options.root,
        meta=meta,
        rows=rows,
        count=len(columns.paths),
        label_names=columns.label_names,
    )
