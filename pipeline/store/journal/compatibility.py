"""Check that an output can be continued: finished and unfinished rows need equal settings."""

from __future__ import annotations

from pathlib import Path

from ...errors import DamageError, NotFoundError, UsageError
from .. import atomic
from ..open import open_store, parts_of
from .database import JournalDatabase, JournalSpec

DATABASE = "journal.sqlite"


def check_finished(out: Path, spec: JournalSpec) -> None:
    """Refuse to touch a finished output that is not ours or was made with other settings.

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
                _compare(out, JournalSpec(old.root, old.meta, restart=False), spec)
    except NotFoundError as error:
        hint = "choose another `--out`, or move it away"
        raise UsageError(f"`{out}` exists and is not a feature store", hint=hint) from error
    except DamageError:
        if not spec.restart:
            raise


def resumed_spec(out: Path, database: JournalDatabase, spec: JournalSpec) -> JournalSpec:
    """Return the order that the journal was started with; a new journal starts with ``spec``.

    Raises:
        UsageError: If the journal was started with other settings.
    """
    old = database.spec()
    if old is None:
        begun = database.begin(spec)
        atomic.flush_folder(parts_of(out))
        return begun
    _compare(parts_of(out), old, spec)
    return JournalSpec(spec.root, spec.meta, old.restart, old.key)


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
