"""The feature store: where stage one ends and stage two begins."""

from .base import FeatureStore, Rows
from .integrity.repair import Damage, damaged, mend, repairing
from .integrity.validation import flaw_of
from .integrity.verify import verify
from .iterate import iter_rows
from .journal.database import Order
from .journal.import_unit import Adopted
from .journal.journal import Journal
from .journal.state import Done
from .journal.units import Unit, write_unit
from .open import check_suffix, open_store, parts_of, write_store

__all__ = [
    "Adopted",
    "Damage",
    "Done",
    "FeatureStore",
    "Journal",
    "Order",
    "Rows",
    "Unit",
    "check_suffix",
    "damaged",
    "flaw_of",
    "iter_rows",
    "mend",
    "open_store",
    "parts_of",
    "repairing",
    "verify",
    "write_store",
    "write_unit",
]
