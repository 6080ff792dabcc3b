"""The feature store: where stage one ends and stage two begins."""

from pipeline.store.base import FeatureStore, Rows
from pipeline.store.fitness import flaw_of
from pipeline.store.journal import Done, Journal
from pipeline.store.opening import check_suffix, open_store, parts_of, write_store
from pipeline.store.rows import iter_rows
from pipeline.store.verify import verify

__all__ = [
    "Done",
    "FeatureStore",
    "Journal",
    "Rows",
    "check_suffix",
    "flaw_of",
    "iter_rows",
    "open_store",
    "parts_of",
    "verify",
    "write_store",
]
