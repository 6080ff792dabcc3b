"""Process pool for runs: workers end with their parent, even if it is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeVar

from chainpipe.pipeline.errors import ChainpipeError, StorageError, UsageError
from chainpipe.pipeline.records import load_plugins, loaded_plugins

Result = TypeVar("Result", covariant=True)
Found = TypeVar("Found")


class Run(Protocol[Result]):
    """A run that writes its result itself; it and its result can be pickled."""

    def run(self) -> Result:
        """Do it and return the result."""
        ...


def run_in_processes(
    runs: Sequence[Run[Found]], *, workers: int, done: Callable[[Found], None]
) -> None:
    """Run all; with one worker, in this process.

    Args:
        runs: The runs; their text names them in messages.
        workers: Number of processes.
        done: Called with each result as soon as it is written.

    Raises:
        UsageError: For fewer than one worker.
        StorageError: If a worker process is killed, for instance for want of memory.
        ChainpipeError: The first one that a run raises; the other workers are stopped.
    """
    if workers < 1:
        raise UsageError(f"`--workers {workers}` is impossible", hint="1 or more")
    if workers == 1 or len(runs) < 2:
        for one in runs:
            done(one.run())
        return
    pending = list(reversed(runs))
    with _pool(min(workers, len(runs))) as pipes:
        busy: dict[Connection, Run[Found]] = {}
        for pipe in pipes:
            _send_next(pipe, pending, busy)
        while busy:
            for pipe in [one for one in wait(list(busy)) if isinstance(one, Connection)]:
                done(_receive(pipe, busy.pop(pipe)))
                _send_next(pipe, pending, busy)


def _send_next(
    pipe: Connection, pending: list[Run[Found]], busy: dict[Connection, Run[Found]]
) -> None:
    if pending:
        busy[pipe] = pending.pop()
        pipe.send(busy[pipe])


def _receive(pipe: Connection, run: Run[Found]) -> Found:
    try:
        answer = pipe.recv()
    except EOFError:
        hint = "use fewer `--workers`; the same command keeps the finished runs"
        raise StorageError(f"{run}: its process was killed", hint=hint) from None
    if isinstance(answer, BaseException):
        raise answer
    found: Found = answer
    return found


@contextmanager
def _pool(count: int) -> Iterator[list[Connection]]:
    """Start processes, yield their pipes, and terminate them on exit."""
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
    """Run what a pipe delivers until it is closed."""
    # Ctrl-C reaches the parent too, which ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_plugins(plugins)  # a run's config may hold their classes
    while True:
        try:
            one = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(one.run())
        except ChainpipeError as error:
            pipe.send(error)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
