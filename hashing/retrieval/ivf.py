"""Inverted file of faiss: each query looks into some cells only; for many queries in many codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .bitpack import U8, width
from .index import FaissFlat, Neighbours, check_width, nothing_yet

TRAINED = 64  # codes a cell that the cells are learned from
LEAST = 0.95  # recall that is asked for
ASKED = 64  # of the codes that ask for themselves to measure it
AT = 10  # answers of each that are compared
NOWHERE = np.iinfo(np.int32).max  # distance of a place that the cells had no answer for


class FaissIvf:
    """Answers from the nearest cells; of each answer the distance is exact, but some are missed.

    The number of cells that are looked into is doubled until the recall on codes of the index
    itself reaches :data:`LEAST`. Lloyd and faiss: https://arxiv.org/abs/2401.08281

    Args:
        codes: Packed codes, (N, ceil(bits / 8)), at least one.
        bits: K.
        cells: How many; by default about the square root of N.
        threads: For faiss.

    Attributes:
        recall: Part of the nearest :data:`AT` answers that are found, ties by distance counting
            as found; measured on :data:`ASKED` of the codes.
        probes: Cells that a query looks into.

    Raises:
        ValueError: If the codes are of another width, or there are none.
    """

    def __init__(self, codes: U8, bits: int, *, cells: int | None = None, threads: int = 1) -> None:
        import faiss

        check_width(codes, bits)
        if not len(codes):
            raise ValueError("no codes to make cells of")
        self.bits = bits
        self.cells = max(1, min(len(codes), cells or round(len(codes) ** 0.5)))
        self._faiss: Any = faiss
        self._threads = threads
        faiss.omp_set_num_threads(threads)
        size = 8 * width(bits)
        self._centres: Any = faiss.IndexBinaryFlat(size)  # the inverted file does not own it
        self._index: Any = faiss.IndexBinaryIVF(self._centres, size, self.cells)
        self._index.verbose = False
        rng = np.random.default_rng(0)
        count = min(len(codes), TRAINED * self.cells)
        chosen = np.sort(rng.choice(len(codes), count, replace=False))
        self._index.train(np.ascontiguousarray(codes[chosen]))
        self._index.add(np.ascontiguousarray(codes))
        self.probes, self.recall = 1, 0.0
        self._tune(codes, np.sort(rng.choice(len(codes), min(ASKED, len(codes)), replace=False)))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: U8, k: int) -> Neighbours:
        """See :meth:`HammingIndex.search`; -1 where too few codes lie in the cells."""
        found = nothing_yet(self, queries, k)
        self._faiss.omp_set_num_threads(self._threads)
        near, rows = self._index.search(np.ascontiguousarray(queries), found.rows.shape[1])
        near = np.where(rows < 0, NOWHERE, near)
        order = np.lexsort((rows, near))
        near, rows = np.take_along_axis(near, order, 1), np.take_along_axis(rows, order, 1)
        found.distances[:], found.rows[:] = np.where(rows < 0, -1, near), rows
        return found

    def _tune(self, codes: U8, asking: Any) -> None:
        """Double the probed cells until the recall is high enough."""
        queries = np.ascontiguousarray(codes[asking])
        exact = FaissFlat(codes, self.bits, threads=self._threads).search(queries, AT)
        while True:
            self._index.nprobe = self.probes
            self.recall = recall_of(self.search(queries, AT), exact)
            if self.recall >= LEAST or self.probes >= self.cells:
                return
            self.probes = min(2 * self.probes, self.cells)


def recall_of(found: Neighbours, exact: Neighbours) -> float:
    """Return the part of exact answers that are found; an answer as near as the last one counts.

    Example:
        >>> exact = Neighbours(np.array([[0, 2, 3]]), np.array([[7, 1, 2]]))
        >>> found = Neighbours(np.array([[0, 3, -1]]), np.array([[7, 9, -1]]))
        >>> round(recall_of(found, exact), 3)
        0.667
    """
    farthest = exact.distances[:, -1:]
    good = (found.rows >= 0) & (found.distances <= farthest)
    return float(good.sum() / exact.rows.size)
