"""Threads that each drive one decoding child process through a stream of jobs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from ..decode import Decoder, DecodeWorker

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

_POLL_SECONDS = 0.2  # seconds between two looks at whether to stop
_JOIN_SECONDS = (
    2.0  # seconds a thread gets to notice; one that hashes a huge file goes with the process
)


class ProcessDecoder(Decoder, Protocol):
    """A decoder that holds a process."""

    def interrupt(self) -> None:
        """End the process from another thread; a read that is under way fails."""
        ...

    def close(self) -> None:
        """End the process, from the thread that reads."""
        ...


class WorkerPool(Generic[JobT, ResultT]):
    """Works through jobs in ``workers`` threads; leaving the ``with`` ends threads and children.

    Memory stays flat: a thread takes its next job only when few results wait to be collected.

    Args:
        jobs: What is to be done, drawn one at a time.
        run_job: Does one job with the thread's own decoder; called from many threads.
        workers: Number of threads.
        decoder: Makes a thread's decoder.
    """

    def __init__(
        self,
        jobs: Iterable[JobT],
        run_job: Callable[[Decoder, JobT], ResultT],
        *,
        workers: int,
        decoder: Callable[[], ProcessDecoder] = DecodeWorker,
    ) -> None:
        self._jobs = iter(jobs)
        self._jobs_lock = threading.Lock()
        self._run_job = run_job
        self._stop = threading.Event()
        self._results: queue.Queue[ResultT | _Failure | _NoMoreJobs] = queue.Queue(2 * workers)
        self._decoders = [decoder() for _ in range(workers)]
        self._threads = [
            threading.Thread(target=self._run, args=(decoder,), daemon=True)
            for decoder in self._decoders
        ]

    def __enter__(self) -> WorkerPool[JobT, ResultT]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        deadline = time.monotonic() + _JOIN_SECONDS
        while (alive := self._alive()) and time.monotonic() < deadline:
            for _, decoder in alive:  # again and again: a child may just have been starting
                decoder.interrupt()
            alive[0][0].join(_POLL_SECONDS)

    def results(self, *, tick: float = 0.5) -> Iterator[ResultT | None]:
        """Yield each job's result as it comes, and ``None`` when none came for ``tick`` seconds.

        Raises:
            Exception: Whatever ``run_job`` raised first.
        """
        working = len(self._threads)
        while working:
            try:
                result = self._results.get(timeout=tick)
            except queue.Empty:
                yield None
                continue
            if isinstance(result, _Failure):
                raise result.error
            if isinstance(result, _NoMoreJobs):
                working -= 1
            else:
                yield result

    def _alive(self) -> list[tuple[threading.Thread, ProcessDecoder]]:
        pairs = zip(self._threads, self._decoders, strict=True)
        return [(thread, decoder) for thread, decoder in pairs if thread.is_alive()]

    def _run(self, decoder: ProcessDecoder) -> None:
        try:
            while not self._stop.is_set():
                with self._jobs_lock:
                    job = next(self._jobs, _NO_MORE_JOBS)
                if isinstance(job, _NoMoreJobs):
                    break
                self._put(self._run_job(decoder, job))
        except Exception as error:
            self._put(_Failure(error))
        finally:
            decoder.close()
            self._put(_NO_MORE_JOBS)

    def _put(self, result: ResultT | _Failure | _NoMoreJobs) -> None:
        while not self._stop.is_set():
            try:
                return self._results.put(result, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
        return None


class _NoMoreJobs:
    """There are no more jobs for a thread, or it has left."""


class _Failure:
    def __init__(self, error: Exception) -> None:
        self.error = error


_NO_MORE_JOBS = _NoMoreJobs()
