"""Configuration of a training run: frozen dataclasses, one documented key a line.

Marks in the descriptions: [P] stated by CHAIN's paper, [I] our reading where the paper is silent,
[ours] an extension that the paper does not have. ``--paper`` disables every [ours].
CHAIN, MM 2023: https://doi.org/10.1145/3581783.3613440
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chain import Config
    from .fields import AnyConfig, Auto

__all__ = ["AnyConfig", "Auto", "Config"]
_FILES = {"Config": "chain", "AnyConfig": "fields", "Auto": "fields"}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: a search reads old names of keys and nothing else."""
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_FILES[name]}", __name__), name)
