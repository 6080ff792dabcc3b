"""Many threads, one network: everybody gets the features of their own frames, or the error."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainpipe.pipeline.backbones.batching import Batcher

Pixels = npt.NDArray[np.uint8]
Features = npt.NDArray[np.float32]


class Means:
    """A network that is easy to check: mean colour of each frame; black frames break it."""

    dim = 3

    def __init__(self, seconds: float = 0.0, *, gate: threading.Event | None = None) -> None:
        self.batches: list[int] = []
        self.under_way = self.most_under_way = 0
        self.threads: set[int] = set()
        self._seconds, self._gate = seconds, gate

    def submit(self, pieces: Sequence[Pixels]) -> Callable[[], Features]:
        self.threads.add(threading.get_ident())
        pixels = np.concatenate(pieces)
        if not pixels.any(axis=(1, 2, 3)).all():
            raise ValueError("a black frame")
        self.batches.append(len(pixels))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

        def finish() -> Features:
            if self._gate:
                self._gate.wait()
            time.sleep(self._seconds)
            self.under_way -= 1
            if (pixels == 255).all(axis=(1, 2, 3)).any():
                raise ArithmeticError("a white frame")
            return means(pixels)

        return finish


def means(pixels: Pixels) -> Features:
    return pixels.mean(axis=(1, 2), dtype=np.float32)


def clip(frames: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(1, 255, (frames, 4, 4, 3), dtype=np.uint8)


@given(
    batch=st.integers(1, 40), clips=st.lists(st.integers(0, 60), min_size=1, max_size=12),
    threads=st.integers(1, 6),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_every_thread_gets_what_it_would_get_alone(
    batch: int, clips: list[int], threads: int
) -> None:
    network = Means()
    batcher = Batcher(network, batch=batch)
    pixels = [clip(frames, seed) for seed, frames in enumerate(clips)]
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(batcher.embed, pixels))
    batcher.close()
    for one, ours in zip(pixels, together, strict=True):
        assert ours.shape == (len(one), 3)
        np.testing.assert_array_equal(ours, means(one))
    assert max(network.batches, default=0) <= batch
    assert sum(network.batches) == sum(clips)
    assert len(network.threads) <= 1
    assert network.most_under_way <= 2


def test_frames_of_waiting_threads_share_a_batch() -> None:
    gate = threading.Event()
    network = Means(gate=gate)
    batcher = Batcher(network, batch=100)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(batcher.embed, clip(25))
        while not network.batches:
            time.sleep(0.001)
        rest = [pool.submit(batcher.embed, clip(25, seed)) for seed in range(8)]
        time.sleep(0.1)  # all of them are in the queue, and the network is busy
        gate.set()
        assert len(first.result()) + sum(len(one.result()) for one in rest) == 225
    batcher.close()
    assert len(network.batches) <= 5  # 9 clips; batches of 4 once somebody waits
    assert 100 in network.batches


def test_the_next_batch_starts_while_one_is_computed() -> None:
    network = Means(0.02)
    batcher = Batcher(network, batch=4)
    batcher.embed(clip(40))
    batcher.close()
    assert network.most_under_way == 2


@pytest.mark.parametrize(
    ("shade", "error"), [(0, ValueError), (255, ArithmeticError)], ids=["submit", "finish"]
)
def test_an_error_reaches_everybody_in_the_batch_and_nobody_else(
    shade: int, error: type[Exception]
) -> None:
    batcher = Batcher(Means(0.001), batch=10)
    bad = np.full((3, 4, 4, 3), shade, np.uint8)

    def attempt(number: int) -> str:
        try:
            features = batcher.embed(bad if number % 5 == 0 else clip(10, number))
        except error:
            return "failed"
        assert np.array_equal(features, means(clip(10, number)))
        return "done"

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(attempt, range(40)))
    batcher.close()
    assert ends == ["failed" if number % 5 == 0 else "done" for number in range(40)]


def test_a_batch_that_fails_fails_for_all_its_waiters() -> None:
    gate = threading.Event()
    network = Means(gate=gate)
    batcher = Batcher(network, batch=100)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batcher.embed, clip(100))
        while not network.batches:
            time.sleep(0.001)
        black = np.zeros((1, 4, 4, 3), np.uint8)
        sharing = [pool.submit(batcher.embed, one) for one in (black, clip(5))]
        time.sleep(0.1)
        gate.set()
        assert len(first.result()) == 100
        for one in sharing:
            with pytest.raises(ValueError, match="a black frame"):
                one.result()
    assert batcher.embed(clip(2)).shape == (2, 3)  # it goes on
    batcher.close()


def test_closing_finishes_what_came_in_and_refuses_what_comes_after() -> None:
    batcher = Batcher(Means(0.005), batch=5)
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(batcher.embed, clip(12, seed)) for seed in range(8)]
        time.sleep(0.01)
        batcher.close()
        ends = [one.exception() or len(one.result()) for one in running]
    assert all(end == 12 or "is closed" in str(end) for end in ends)
    assert 12 in ends
    batcher.close()
    with pytest.raises(RuntimeError, match="the backbone is closed"):
        batcher.embed(clip(1))
    assert not batcher._thread.is_alive()


def test_more_callers_than_places_in_the_queue_all_get_through() -> None:
    network = Means()
    batcher = Batcher(network, batch=1)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(batcher.embed, [clip(20, seed) for seed in range(16)]))
    batcher.close()
    assert all(np.array_equal(one, means(clip(20, s))) for s, one in enumerate(together))


def test_no_frames_give_no_features() -> None:
    batcher = Batcher(Means(), batch=4)
    assert batcher.embed(clip(0)).shape == (0, 3)
    batcher.close()
