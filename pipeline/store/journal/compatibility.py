"""Check that an output can be continued: finished and unfinished rows need equal settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...errors import DamageError, NotFoundError, UsageError
from .. import atomic
from ..open import open_store, parts_of
from .database import JournalDatabase, JournalSpec

DATABASE = "journal.sqlite"


def check_finished(out: Path, spec: JournalSpec, *, any_root: bool) -> None:
    """Refuse to touch a finished output that is not ours or was made with other settings.

    Args:
        out: The output.
        spec: What it is to be made with.
        any_root: Whether its videos may be in another folder.

    Raises:
        UsageError: If it is something else than a store, or its settings differ.
        DamageError: If it is damaged and not to be made anew.
    """
    if not out.exists():
        return
    unfinished = (parts_of(out) / DATABASE).exists()
    try:
        with open_store(out) as old:
            if not spec.restart and not unfinished:
                root = spec.root if any_root else old.root
                _compare(out, JournalSpec(root, old.meta, restart=False), spec)
    except NotFoundError as error:
        hint = "choose another `--out`, or move it away"
        raise UsageError(f"`{out}` exists and is not a feature store", hint=hint) from error
    except DamageError:
        if not spec.restart:
            raise


def resumed_spec(
    out: Path, database: JournalDatabase, spec: JournalSpec, *, any_root: bool
) -> tuple[JournalSpec, bytes]:
    """Return what to continue with, and the folder that the journal was started for.

    Args:
        out: The output.
        database: Of its journal; a new one is started with ``spec``.
        spec: What it is to be made with.
        any_root: Whether the videos may be in another folder now.

    Raises:
        UsageError: If the journal was started with other settings.
    """
    old = database.spec()
    if old is None:
        begun = database.begin(spec)
        atomic.flush_folder(parts_of(out))
        return begun, spec.root
    _compare(parts_of(out), replace(old, root=spec.root) if any_root else old, spec)
    return JournalSpec(spec.root, spec.meta, old.restart, old.key), old.root


def _compare(path: Path, old: JournalSpec, new: JournalSpec) -> None:
    differences = old.meta.differences(new.meta)
    if old.root != new.root:
        roots = (root.decode("utf-8", "backslashreplace") for root in (old.root, new.root))
        differences.append(f"videos: {' / '.join(roots)}")
    if differences:
        listed = ", ".join(f"`{difference}`" for difference in differences)
        hint = "choose another `--out`, or add `--restart` to build it anew"
        message = f"`{path}` was made with other settings (there / asked): {listed}"
        raise UsageError(message, hint=hint)
