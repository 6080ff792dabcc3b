"""The feature store: the only interface between stage one and stage two."""

from .base import FeatureStore, Rows
from .integrity.validation import invalid_reason
from .iterate import iter_rows
from .journal.database import JournalSpec
from .journal.import_unit import ImportedUnit
from .journal.journal import Journal, is_unfinished
from .journal.state import SourceFile, source_files
from .journal.units import UnitFile, write_unit
from .open import bytes_on_disk, check_suffix, open_store, parts_of, write_store
from .repair import DamageReport, find_damage, locked_for_repair, rewrite_store, verify

__all__ = [
    "DamageReport",
    "FeatureStore",
    "ImportedUnit",
    "Journal",
    "JournalSpec",
    "Rows",
    "SourceFile",
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
