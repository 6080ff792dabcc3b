"""Stage one itself: a folder of videos to a feature store, resumable at any moment."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline import assemble
from pipeline.backbones import Backbone, build_backbone, fingerprint_of
from pipeline.errors import UsageError
from pipeline.features import Recipe
from pipeline.info import bytes_on_disk
from pipeline.interrupt import StopRequest
from pipeline.manifest import Manifest, read_manifest
from pipeline.options import ExtractOptions
from pipeline.plan import Known, last_written, to_do
from pipeline.records import FailedVideo, StoreMeta
from pipeline.report import ExtractReport, count_statuses, write_failures
from pipeline.run import Run
from pipeline.store import FeatureStore, Journal, check_suffix, open_store
from pipeline.talk import Talk, shown


def extract(
    options: ExtractOptions, *, talk: Talk | None = None, backbone: Backbone | None = None
) -> ExtractReport:
    """Extract the features of all videos that have none yet, and write the store.

    Finished work survives any crash in ``<out>.parts``; running it again continues, adds new
    videos to a finished store, and does nothing if there is nothing to do. SIGINT and SIGTERM
    stop it between two videos.

    Args:
        options: What to extract, and how.
        talk: Where progress goes; nowhere by default.
        backbone: Used instead of building ``options.backbone``.

    Returns:
        What was done and what the store holds.

    Raises:
        UsageError: If an option is wrong, there is no video that can be read, or the output was
            made with other settings.
        NotFoundError: If the source does not exist.
        LockedError: If another process writes the same output.
        DamageError: If the output to add to is damaged.
        StorageError: If the disk does not take it.
        Interrupted: If a signal asked to stop.
    """
    talk = talk or Talk(quiet=True)
    start = time.monotonic()
    with StopRequest() as stop:
        check_suffix(options.out)
        manifest = read_manifest(
            options.source, options.labels, follow_symlinks=options.follow_symlinks
        )
        stop.check()
        network = backbone or build_backbone(
            options.backbone, device=options.device, threads=options.threads,
            trust_weights=options.trust_weights,
        )  # fmt: skip
        meta = meta_of(options, network)
        since = last_written(options.out)
        with _outputs(options, manifest, meta) as (journal, old):
            known = Known.of(journal, old, since)
            recipe = Recipe.of(meta, network, fit=options.fit)
            run = Run(manifest, known, journal, old, recipe, options, stop)
            cpu = _cpu_of_children()
            run.work(to_do(manifest, known, options.retry), talk)
            cpu = _cpu_of_children() - cpu
            contents = assemble.settle(manifest, journal, old)
            written = _finish(journal, old, contents, manifest, meta, stop)
    return _report(options.out, run, contents, written, time.monotonic() - start, cpu)


def meta_of(options: ExtractOptions, backbone: Backbone) -> StoreMeta:
    """Return the settings that a store made with these options has."""
    try:
        made_by = version("chainpipe")
    except PackageNotFoundError:  # a bare checkout
        made_by = ""
    return StoreMeta(
        fingerprint_of(backbone, fit=options.fit), options.frames, by=options.by,
        dtype=options.dtype, strict=options.strict, chainpipe=made_by,
    )  # fmt: skip


@contextmanager
def _outputs(
    options: ExtractOptions, manifest: Manifest, meta: StoreMeta
) -> Iterator[tuple[Journal, FeatureStore | None]]:
    """Open what is unfinished and, unless it is to be replaced, what is finished."""
    out = options.out
    with Journal.open(out, root=manifest.root, meta=meta, restart=options.restart) as journal:
        if journal.anew or not out.exists():
            yield journal, None
        else:
            with open_store(out) as old:
                yield journal, old


def _finish(
    journal: Journal, old: FeatureStore | None, contents: assemble.Contents, manifest: Manifest,
    meta: StoreMeta, stop: StopRequest,
) -> bool:  # fmt: skip
    """Write the store unless it is the same already; tell whether it was written."""
    if not contents.order:
        journal.finish()
        raise _nothing_readable(contents.failed)
    if old is not None and assemble.is_same(old, contents):
        journal.finish()
        return False
    assemble.write(journal, old, contents, root=manifest.root, meta=meta, between=stop.check)
    return True


def _nothing_readable(failed: tuple[FailedVideo, ...]) -> UsageError:
    first = failed[0]
    return UsageError(
        f"none of {len(failed)} videos can be read",
        hint=f"the first, `{shown(first.path)}`, is {first.status.label}: {first.message}",
    )


def _report(
    out: Path, run: Run, contents: assemble.Contents, written: bool, seconds: float, cpu: float
) -> ExtractReport:
    with open_store(out) as store:
        counts = count_statuses(store.videos.status.tolist(), contents.failed)
    return ExtractReport(
        out=out, counts=counts, failed=contents.failed, decoded=run.decoded, copied=run.copied,
        gone=contents.gone, written=written, seconds=seconds, decode_seconds=cpu,
        backbone_seconds=run.recipe.clock.seconds,
        store_bytes=bytes_on_disk(out),
        failures_file=write_failures(out, contents.failed),
    )  # fmt: skip


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
