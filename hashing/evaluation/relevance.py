"""Relevance: a video is relevant to a query if the two share a label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..retrieval.bitpack import U8
from ..retrieval.hamming import Rows


class Relevance:
    """Labels of the database, indexed so that no (Q, N) table is needed.

    A list of rows for each label gives all right answers of a query; a bit mask for each row
    tells whether one answer is right.

    Args:
        labels: Multi-hot labels of the database, (N, L) uint8.
    """

    def __init__(self, labels: U8) -> None:
        self._rows = [np.flatnonzero(column) for column in labels.T]
        self._masks = _masks(labels)
        self._marked = np.zeros(len(labels), bool)

    def rows(self, wanted: U8) -> Rows:
        """Return all rows that share a label with a query, ascending.

        Args:
            wanted: The query's labels, multi-hot, (L,).
        """
        lists = [self._rows[label] for label in np.flatnonzero(wanted)]
        if len(lists) == 1:
            return lists[0]
        for rows in lists:
            self._marked[rows] = True
        found = np.flatnonzero(self._marked)
        self._marked[found] = False
        return found

    def right(self, wanted: U8, answers: Rows) -> npt.NDArray[np.bool_]:
        """Tell which answers share a label with their query, (Q, K).

        Args:
            wanted: The queries' labels, multi-hot, (Q, L).
            answers: Rows of the database, (Q, K); -1 is no answer, and not right.
        """
        if not len(self._masks):
            return np.zeros(answers.shape, bool)
        shared = self._masks[answers] & _masks(wanted)[:, None]  # (Q, K, words)
        right: npt.NDArray[np.bool_] = shared.any(axis=2) & (answers >= 0)
        return right


def _masks(labels: U8) -> npt.NDArray[np.uint64]:
    """Pack the labels of each row into 64-bit words, (B, ceil(L / 64))."""
    n, count = labels.shape
    padded = np.zeros((n, (count + 63) // 64 * 8), np.uint8)
    padded[:, : (count + 7) // 8] = np.packbits(labels != 0, axis=1)
    return padded.view(np.uint64)
