"""Choose the index that a search scans: faiss flat, numpy, or cells of faiss for many codes."""

from __future__ import annotations

from collections.abc import Callable

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError

from .bitpack import U8
from .index import FEW, FaissFlat, HammingIndex, NumpyFlat
from .ivf import AT, FaissIvf

AUTO, FAISS, NUMPY, IVF = "auto", "faiss", "numpy", "ivf"
BACKENDS = (AUTO, FAISS, NUMPY, IVF)
MANY_CODES = 10_000_000  # beyond, cells are worth their making for
MANY_QUERIES = 1000  # queries: making the cells takes as long as hundreds of scans


def check_backend(name: str) -> None:
    """Refuse the name of no backend.

    Raises:
        UsageError: Naming those that there are.
    """
    if name not in BACKENDS:
        hint = f"one of {', '.join(f'`{known}`' for known in BACKENDS)}"
        raise UsageError(f"no backend `{name}`", hint=hint)


def make_index(
    codes: U8,
    bits: int,
    *,
    queries: int,
    backend: str = AUTO,
    log: Callable[[str], None] = lambda line: None,
) -> HammingIndex:
    """Return an index; ``auto`` takes the one that answers in the shortest time, import included.

    Args:
        codes: Packed codes, (N, ceil(bits / 8)).
        bits: K.
        queries: How many there will be.
        backend: One of :data:`BACKENDS`.
        log: Told the recall of cells.

    Raises:
        UsageError: If there is no such backend.
        ValueError: If the codes are of another width.
    """
    check_backend(backend)
    if backend == AUTO:
        many = len(codes) > MANY_CODES and queries >= MANY_QUERIES
        backend = IVF if many else NUMPY if queries <= FEW else FAISS
    if backend == IVF and len(codes):
        index = FaissIvf(codes, bits)
        log(
            f"{counted(index.cells, 'cell')}, {index.probes} looked into: "
            f"recall@{AT} {index.recall:.3f} on these codes"
        )
        return index
    return NumpyFlat(codes, bits) if backend == NUMPY else FaissFlat(codes, bits)
