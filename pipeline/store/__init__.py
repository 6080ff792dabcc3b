"""The feature store: where stage one ends and stage two begins."""

from pipeline.store.adoption import Adopted
from pipeline.store.base import FeatureStore, Rows
from pipeline.store.fitness import flaw_of
from pipeline.store.journal import Journal
from pipeline.store.ledger import Order
from pipeline.store.opening import check_suffix, open_store, parts_of, write_store
from pipeline.store.repair import Damage, damaged, mend, repairing
from pipeline.store.rows import iter_rows
from pipeline.store.standing import Done
from pipeline.store.units import Unit, write_unit
from pipeline.store.verify import verify

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
