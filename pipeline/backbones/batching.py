"""One network fed by many threads: frames of several videos share a batch."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]

_QUEUE_SIZE = 64  # pieces in the queue; whoever brings one more waits
_FILL_SECONDS = 0.003  # seconds that a batch waits to be filled


class BatchNetwork(Protocol):
    """Runs one batch while it takes the next; only one thread calls it.

    Attributes:
        dim: D, the length of a feature.
    """

    dim: int

    def submit(self, pieces: Sequence[Pixels]) -> Callable[[], Features]:
        """Start on a batch; what is returned waits for its features, (n, D).

        At most two batches are under way: the first is waited for before a third is submitted.

        Args:
            pieces: Frames (m, size, size, 3) each, n in all.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Piece:
    """Frames of one call that stay together in one batch, and who waits for them."""

    pixels: Pixels
    features: Future[Features] = field(default_factory=Future)


class Batcher:
    """Gathers the frames of all calling threads into batches for one network.

    While the network computes one batch the next is gathered and copied. A batch leaves when it
    is full, or a few milliseconds after its first frames came.

    Args:
        network: What runs the batches.
        batch: The most frames that it gets at once.
    """

    def __init__(self, network: BatchNetwork, *, batch: int) -> None:
        self.dim = network.dim
        self._network = network
        self._batch = batch
        self._queue: queue.Queue[_Piece | None] = queue.Queue(_QUEUE_SIZE)
        self._carried_over: _Piece | None = (
            None  # taken from the queue, too large for the last batch
        )
        self._lock = threading.Lock()
        self._closed = False  # nothing more comes in
        self._drained = False  # nothing more comes out of the queue
        self._thread = threading.Thread(target=self._work, name="backbone", daemon=True)
        self._thread.start()

    def embed(self, pixels: Pixels) -> Features:
        """Turn frames (n, size, size, 3) into features (n, D); from any thread.

        Raises:
            RuntimeError: If it is closed.
            Exception: What the network raised for a batch with any of these frames.
        """
        pieces = [
            self._put(pixels[start : start + self._batch])
            for start in range(0, len(pixels), self._batch)
        ]
        done = [piece.features.result() for piece in pieces]
        return np.concatenate(done) if done else np.empty((0, self.dim), np.float32)

    def close(self) -> None:
        """Finish what has come in, refuse what comes after, and end the thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _put(self, pixels: Pixels) -> _Piece:
        piece = _Piece(pixels)
        with self._lock:  # so that nothing lands in the queue behind its end
            if self._closed:
                raise RuntimeError("the backbone is closed")
            self._queue.put(piece)
        return piece

    def _work(self) -> None:
        """Start the next batch, then hand out the one before it."""
        running: _Running | None = None
        while running or not self._drained or self._carried_over:
            pieces = self._gather(wait=running is None)
            following = self._start(pieces) if pieces else None
            if running:
                running.hand_out()
            running = following

    def _gather(self, *, wait: bool) -> list[_Piece]:
        """Take pieces for one batch; for the first wait for ever if ``wait``, else not."""
        first = self._next(None if wait else 0)
        if first is None:
            return []
        pieces, room = [first], self._batch - len(first.pixels)
        end = time.monotonic() + _FILL_SECONDS
        while room and (piece := self._next(max(end - time.monotonic(), 0))):
            if len(piece.pixels) > room:
                self._carried_over = piece
                break
            pieces.append(piece)
            room -= len(piece.pixels)
        return pieces

    def _next(self, seconds: float | None) -> _Piece | None:
        """Return the next piece, or ``None`` if none comes in time or the last has come."""
        piece, self._carried_over = self._carried_over, None
        if piece is not None or self._drained:
            return piece
        try:
            piece = self._queue.get(timeout=seconds) if seconds != 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
        self._drained = piece is None
        return piece

    def _start(self, pieces: list[_Piece]) -> _Running | None:
        try:
            return _Running(pieces, self._network.submit([piece.pixels for piece in pieces]))
        except BaseException as error:  # every waiting caller gets it, and the thread continues
            _fail(pieces, error)
            return None


@dataclass(frozen=True, slots=True)
class _Running:
    """A batch under way."""

    pieces: list[_Piece]
    finish: Callable[[], Features]

    def hand_out(self) -> None:
        """Wait for the features and give each caller its own."""
        try:
            features = self.finish()
        except BaseException as error:
            _fail(self.pieces, error)
            return
        start = 0
        for piece in self.pieces:
            end = start + len(piece.pixels)
            piece.features.set_result(features[start:end])
            start = end


def _fail(pieces: list[_Piece], error: BaseException) -> None:
    for piece in pieces:
        piece.features.set_exception(error)
