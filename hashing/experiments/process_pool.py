"""Jobs side by side in processes of their own, which end with their parent however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from chainpipe.pipeline.errors import ChainpipeError, StorageError, UsageError
from chainpipe.pipeline.records import load_plugins, loaded_plugins

from .result import RunResult
from .run import ExperimentRun, run_one

Work = Callable[[ExperimentRun], RunResult]


def run_in_processes(
    jobs: Sequence[ExperimentRun], *, workers: int, done: Callable[[RunResult], None]
) -> None:
    """Run all jobs; with one worker, in this process.

    Args:
        jobs: What is to be run.
        workers: How many at a time.
        done: Told each record as soon as it is written.

    Raises:
        UsageError: For fewer than one worker.
        StorageError: If a worker is killed, as it happens where memory runs out.
        ChainpipeError: The first one that a job raises; the others are stopped.
    """
    if workers < 1:
        raise UsageError(f"`--workers {workers}` is impossible", hint="1 or more")
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            done(run_one(job))
        return
    waiting = list(reversed(jobs))
    with _pool(min(workers, len(jobs))) as pipes:
        busy: dict[Connection, ExperimentRun] = {}
        for pipe in pipes:
            _give(pipe, waiting, busy)
        while busy:
            for pipe in [one for one in wait(list(busy)) if isinstance(one, Connection)]:
                done(_answer(pipe, busy.pop(pipe)))
                _give(pipe, waiting, busy)


def _give(
    pipe: Connection, waiting: list[ExperimentRun], busy: dict[Connection, ExperimentRun]
) -> None:
    if waiting:
        busy[pipe] = waiting.pop()
        pipe.send(busy[pipe])


def _answer(pipe: Connection, job: ExperimentRun) -> RunResult:
    try:
        answer = pipe.recv()
    except EOFError:
        hint = "take fewer `--workers`; the same command goes on where this one ended"
        raise StorageError(f"{job}: its process was killed", hint=hint) from None
    if isinstance(answer, RunResult):
        return answer
    assert isinstance(answer, BaseException)
    raise answer


@contextmanager
def _pool(count: int) -> Iterator[list[Connection]]:
    """Start processes, give their pipes, and end them."""
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    pipes: list[Connection] = []
    try:
        for _ in range(count):
            mine, theirs = context.Pipe()
            process: BaseProcess = context.Process(
                target=_serve, args=(theirs, loaded_plugins()), daemon=True
            )
            process.start()
            theirs.close()
            processes.append(process)
            pipes.append(mine)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _serve(pipe: Connection, plugins: tuple[str, ...]) -> None:
    """Run jobs that come down a pipe until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, too, and ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_plugins(plugins)  # a job holds classes of theirs
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(run_one(job))
        except ChainpipeError as error:
            pipe.send(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
