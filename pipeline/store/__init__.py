"""The feature store: the only interface between stage one and stage two.

Its names are imported when they are used: a search reads a store, and needs no journal or repair.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import FeatureStore, Rows, StoredFrames
    from .integrity.validation import invalid_reason
    from .iterate import iter_rows
    from .journal.database import JournalSpec
    from .journal.import_unit import ImportedUnit
    from .journal.journal import Journal, is_unfinished
    from .journal.state import SourceFile, source_files
    from .journal.units import UnitFile, write_unit
    from .open import bytes_on_disk, check_suffix, open_store, parts_of, write_store
    from .repair import DamageReport, find_damage, locked_for_repair, rewrite_store, verify
    from .sequence_store import SequenceStore

_MODULES = {
    "FeatureStore": ".base",
    "Rows": ".base",
    "invalid_reason": ".integrity.validation",
    "iter_rows": ".iterate",
    "JournalSpec": ".journal.database",
    "ImportedUnit": ".journal.import_unit",
    "Journal": ".journal.journal",
    "is_unfinished": ".journal.journal",
    "SourceFile": ".journal.state",
    "source_files": ".journal.state",
    "UnitFile": ".journal.units",
    "write_unit": ".journal.units",
    "bytes_on_disk": ".open",
    "check_suffix": ".open",
    "open_store": ".open",
    "parts_of": ".open",
    "write_store": ".open",
    "SequenceStore": ".sequence_store",
    "StoredFrames": ".base",
    "DamageReport": ".repair",
    "find_damage": ".repair",
    "locked_for_repair": ".repair",
    "rewrite_store": ".repair",
    "verify": ".repair",
}

__all__ = [
    "DamageReport",
    "FeatureStore",
    "ImportedUnit",
    "Journal",
    "JournalSpec",
    "Rows",
    "SequenceStore",
    "SourceFile",
    "StoredFrames",
    "UnitFile",
    "bytes_on_disk",
    "check_suffix",
    "find_damage",
    "invalid_reason",
    "is_unfinished",
    "iter_rows",
    "locked_for_repair",
    "open_store",
    "parts_of",
    "rewrite_store",
    "source_files",
    "verify",
    "write_store",
    "write_unit",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return getattr(importlib.import_module(_MODULES[name], __name__), name)
