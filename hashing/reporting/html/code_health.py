"""The health of a model's codes over a library: balance, correlation and shared codes of bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...retrieval.codes import Codes, unpack

MOST = 20_000  # videos that are looked at


@dataclass(frozen=True, slots=True)
class CodeHealth:
    """What the codes of a library tell without labels.

    Attributes:
        videos: How many videos were looked at, evenly spaced where there are more.
        ones: Fraction of them in which each bit is 1, (K,).
        balance: Mean balance of a bit: 1 is half and half, 0 constant.
        entropy: Mean entropy of a bit, in bits.
        dead: Number of bits that hardly ever change.
        correlation: Mean absolute correlation of two bits.
        distinct: Number of distinct codes divided by the number of videos.
    """

    videos: int
    ones: Sequence[float]
    balance: float
    entropy: float
    dead: int
    correlation: float
    distinct: float


def code_health(codes: Codes) -> CodeHealth | None:
    """Measure the codes of a library; ``None`` for one without videos.

    Args:
        codes: Of the library, N rows; of at most 20,000 evenly spaced ones.
    """
    import torch

    from ...monitoring import code_metrics

    if not len(codes):
        return None
    count = min(len(codes), MOST)
    rows = np.arange(count) * len(codes) // count
    bits = unpack(codes.packed[rows], codes.bits)
    signs = torch.from_numpy(np.where(bits, 1.0, -1.0).astype(np.float32))  # (S, K)
    return CodeHealth(
        videos=len(rows),
        ones=code_metrics.bit_means(signs).tolist(),
        balance=code_metrics.bit_balance(signs),
        entropy=code_metrics.bit_entropy(signs),
        dead=code_metrics.dead_bits(signs),
        correlation=code_metrics.bit_correlation(signs),
        distinct=code_metrics.distinct_fraction(signs),
    )
