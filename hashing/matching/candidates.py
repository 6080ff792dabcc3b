"""Which pairs of videos are worth a second check: each video's nearest, by codes or by vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .records import F32

NEAREST = 50
RADIUS = 16  # of 64 bits
MOST = 200  # answers a video, however many lie within the radius
_BLOCK = 4096  # videos that ask at a time

Pairs = npt.NDArray[np.int64]


def pairs_by_codes(
    codes: npt.NDArray[np.uint8],
    others: npt.NDArray[np.uint8] | None = None,
    *,
    nearest: int = NEAREST,
    radius: int = RADIUS,
    most: int = MOST,
    threads: int = 1,
) -> Pairs:
    """Pair each video with its nearest by Hamming distance, and with all within a radius.

    Args:
        codes: Packed codes, (N, bytes).
        others: Packed codes of another library, (B, bytes): pairs are of one video of each.
        nearest: Answers of each video, however far.
        radius: Bits up to which there are further answers.
        most: Answers of each video at most.
        threads: Of faiss.

    Returns:
        Rows, (P, 2): the lower first within one library, sorted, none twice.
    """
    import faiss  # a tenth of a second that `--help` does not need

    base = codes if others is None else others
    index = faiss.IndexBinaryFlat(8 * codes.shape[1])
    index.add(np.ascontiguousarray(base))
    faiss.omp_set_num_threads(threads)
    found = []
    k = min(len(base), max(nearest, most) + (others is None))
    for start in range(0, len(codes), _BLOCK):
        block = np.ascontiguousarray(codes[start : start + _BLOCK])
        distances, rows = index.search(block, k)
        kept = distances <= radius
        kept[:, : nearest + (others is None)] = True
        found.append(_asked(start, rows, kept))
    return _joined(found, within=others is None)


def pairs_by_vectors(
    vectors: F32, others: F32 | None = None, *, nearest: int = NEAREST, threads: int = 1
) -> Pairs:
    """Pair each video with its nearest by cosine; see :func:`pairs_by_codes`.

    Args:
        vectors: Unit vectors, (N, M).
        others: Unit vectors of another library, (B, M).
        nearest: Answers of each video.
        threads: Of faiss.
    """
    import faiss  # a tenth of a second that `--help` does not need

    base = vectors if others is None else others
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(base, np.float32))
    faiss.omp_set_num_threads(threads)
    k = min(len(base), nearest + (others is None))
    found = []
    for start in range(0, len(vectors), _BLOCK):
        _, rows = index.search(np.ascontiguousarray(vectors[start : start + _BLOCK], np.float32), k)
        found.append(_asked(start, rows, np.ones(rows.shape, bool)))
    return _joined(found, within=others is None)


def _asked(start: int, rows: Pairs, kept: npt.NDArray[np.bool_]) -> Pairs:
    """Return pairs of the asking videos, the first of which is ``start``, and their answers."""
    asking = np.repeat(np.arange(start, start + len(rows)), kept.sum(axis=1))
    return np.stack([asking, rows[kept]], axis=1)


def _joined(found: list[Pairs], *, within: bool) -> Pairs:
    if not found:
        return np.empty((0, 2), np.int64)
    pairs = np.concatenate(found)
    if within:
        pairs = np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1)
    width = int(pairs.max(initial=0)) + 1
    keys = np.unique(pairs[:, 0] * width + pairs[:, 1])
    return np.stack([keys // width, keys % width], axis=1)
