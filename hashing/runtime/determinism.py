"""How many threads the matrix routines take: a fixed number gives fixed bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let numpy's matrix routines use ``count`` threads within the block."""
    with threadpool_limits(limits=count, user_api="blas"):
        yield


@contextmanager
def deterministic_torch(threads: int) -> Iterator[None]:
    """Fix torch's threads and choose deterministic kernels, and put both back after."""
    import torch
    import torch.utils.deterministic as details

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    fill = details.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Filling new memory costs a tenth of the time, and nothing here reads it before writing.
    details.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        details.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
