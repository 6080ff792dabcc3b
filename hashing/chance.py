"""Seeds for every purpose and step, so that chance depends on nothing that came before."""

from __future__ import annotations

import hashlib

import torch


def seed_of(seed: int, purpose: str, number: int) -> int:
    """Return a seed of its own for each purpose and step of a run."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator_of(seed: int, purpose: str, number: int) -> torch.Generator:
    """Return a CPU generator with :func:`seed_of`'s seed."""
    return torch.Generator().manual_seed(seed_of(seed, purpose, number))
