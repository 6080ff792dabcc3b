"""Fix thread counts and choose deterministic kernels, so that equal seeds give equal bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Limit BLAS to ``count`` threads within the block.

    The order of summation in a matrix product depends on the number of threads, and with it the
    last bits of the result.
    """
    with threadpool_limits(limits=count, user_api="blas"):
        yield


@contextmanager
def deterministic_torch(threads: int) -> Iterator[None]:
    """Set torch's thread count and deterministic kernels; restore both on exit."""
    import torch
    import torch.utils.deterministic as details

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fill = details.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Deterministic mode fills uninitialized memory: 10 % of the time, and nothing here reads it
    # before writing.
    details.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        details.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
