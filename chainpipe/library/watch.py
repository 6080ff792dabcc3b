"""Update a library as its files arrive."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from chainpipe.pipeline.console import Console, printable
from chainpipe.pipeline.errors import LockedError, missing_package
from chainpipe.pipeline.extraction.signals import StopRequest
from chainpipe.pipeline.extraction.specs import build_backbones
from chainpipe.pipeline.extraction.store_inputs import options_of
from chainpipe.pipeline.store.open import open_store

from .update import UpdateOptions, UpdateReport, update_library

STEP_MS = 200  # between two looks at whether files still arrive
TICK_MS = 500  # between two looks at whether to stop


def watch_library(
    store: Path,
    options: UpdateOptions,
    *,
    console: Console,
    tell: Callable[[UpdateReport], None],
    polling: bool = False,
) -> None:
    """Update a library now, and again whenever files of it come, change or go, until a signal.

    A file is read when it has not changed for ``options.settle`` seconds.

    Args:
        store: Of the library.
        options: As for :func:`update_library`.
        console: Where progress goes.
        tell: Called with the report of each update.
        polling: Look at the folder again and again, where the system tells of no changes, as on
            many network drives.

    Raises:
        Interrupted: When a signal asked to stop.
        UsageError: If the package watchfiles is not installed, or as :func:`update_library`, which
            raises further errors.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise missing_package("`watch`", "watchfiles", extra="watch") from error
    with open_store(store) as opened:
        asked = options_of(opened, source=options.videos).changed(
            device=options.device, trust_weights=options.trust_weights
        )
        folder = options.videos if options.videos and options.videos.is_dir() else None
        root = folder or Path(os.fsdecode(opened.root))
    (backbone,) = build_backbones([name for name, _ in asked.targets], asked.compute)
    pending, told, waits, earliest = True, False, False, 0.0
    with StopRequest() as stop:
        for changes in watchfiles.watch(
            root,
            watch_filter=lambda _, path: _is_of_interest(path, store),
            step=STEP_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=polling or None,
        ):
            stop.check()
            pending = pending or bool(changes)
            if not pending or time.monotonic() < earliest:
                continue
            try:
                report = update_library(store, options, console=console, backbone=backbone)
            except LockedError as error:
                if not waits:
                    console.log(f"{error}: trying again")
                pending = waits = True
                continue
            pending, waits = bool(report.growing), False
            if pending:  # a file that is written all the time is no reason to look all the time
                earliest = time.monotonic() + max(options.settle, 1.0)
            tell(report)
            if not told:
                console.log(f"watching `{printable(root)}`; Ctrl-C ends it")
                told = True
        stop.check()


def _is_of_interest(path: str, store: Path) -> bool:
    """Return whether a change may be one of the library: not of the store or a hidden file."""
    name = os.path.basename(path)
    ours = os.path.abspath(path).startswith(os.path.abspath(store))
    return not (ours or name.startswith("."))
