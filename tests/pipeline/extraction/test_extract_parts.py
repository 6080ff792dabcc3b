"""The parts of an extraction by themselves: crew, stop request, claims, report."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from chainpipe.pipeline.decode import FrameRequest
from chainpipe.pipeline.errors import StorageError
from chainpipe.pipeline.extraction.duplicates import ContentClaims
from chainpipe.pipeline.extraction.report import ExtractReport, report_table, write_failures
from chainpipe.pipeline.extraction.signals import Interrupted, StopRequest
from chainpipe.pipeline.extraction.worker_pool import WorkerPool
from chainpipe.pipeline.options import available_cpus
from chainpipe.pipeline.records import FailedVideo, Frames, Status


class Stuck:
    """A decoder whose reads end only when interrupted."""

    def __init__(self) -> None:
        self.freed, self.closed = threading.Event(), False

    def read(self, path: Path, request: FrameRequest) -> Frames:
        self.freed.wait(60)
        raise AssertionError("interrupted")

    def interrupt(self) -> None:
        self.freed.set()

    def close(self) -> None:
        self.closed = True


def test_every_job_is_done_once() -> None:
    with WorkerPool(range(50), lambda _, job: job * 2, workers=3, decoder=Stuck) as pool:
        results = [result for result in pool.results() if result is not None]
    assert sorted(results) == [2 * job for job in range(50)]


def test_a_crew_does_not_run_ahead_of_its_consumer() -> None:
    drawn = []

    def jobs() -> object:
        for job in range(100):
            drawn.append(job)
            yield job

    with WorkerPool(jobs(), lambda _, job: job, workers=2, decoder=Stuck) as pool:  # type: ignore[arg-type]
        for taken, result in enumerate(pool.results(), start=1):
            time.sleep(0.002)
            if result is None:
                continue
            assert len(drawn) <= taken + 2 * 2 + 2  # taken, waiting, in hand
            if taken == 30:
                break


def test_waiting_consumers_hear_from_time_to_time() -> None:
    decoder = Stuck()

    def wait(decoder: Stuck, _: int) -> int:
        decoder.freed.wait(60)
        return 1

    with WorkerPool([0], wait, workers=1, decoder=lambda: decoder) as pool:  # type: ignore[arg-type]
        results = pool.results(tick=0.01)
        assert next(results) is None
        decoder.freed.set()
        assert [result for result in results if result is not None] == [1]


def test_leaving_ends_reads_that_are_under_way() -> None:
    decoders: list[Stuck] = []

    def make() -> Stuck:
        decoders.append(Stuck())
        return decoders[-1]

    def read(decoder: Stuck, _: int) -> Frames:
        return decoder.read(Path(), FrameRequest(1))

    began = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        WorkerPool(range(9), read, workers=2, decoder=make),  # type: ignore[arg-type]
    ):
        raise KeyboardInterrupt
    assert time.monotonic() - began < 2
    assert [decoder.closed for decoder in decoders] == [True, True]


def test_what_a_job_raises_reaches_the_consumer() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        WorkerPool([1, 0], lambda _, job: 1 // job, workers=1, decoder=Stuck) as pool,
    ):
        list(pool.results())


def test_there_is_a_core_to_work_on() -> None:
    assert 1 <= available_cpus() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_held_back_and_the_second_is_not(signum: signal.Signals) -> None:
    before = signal.getsignal(signum)
    with StopRequest() as stop:
        stop.check()
        os.kill(os.getpid(), signum)
        with pytest.raises(Interrupted, match=signum.name) as caught:
            stop.check()
        assert caught.value.exit_code == 128 + signum
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signum)
    assert signal.getsignal(signum) is before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with StopRequest() as stop:
            stop.check()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_released_bytes_may_be_claimed_by_another() -> None:
    claims = ContentClaims([b"known"])
    assert claims.claim(b"known", b"new") == b""
    assert claims.claim(b"fresh", b"a") == b"a"
    claims.release(b"fresh")
    assert claims.claim(b"fresh", b"b") == b"b"


def test_the_list_of_failures_goes_when_nothing_fails(tmp_path: Path) -> None:
    out = tmp_path / "feats.h5"
    path = write_failures(out, [FailedVideo(b"x", Status.CORRUPT, "two\nlines")])
    assert path is not None
    assert (
        path.read_bytes()
        == b'path,status,message,attempts,command,stderr\r\nx,corrupt,"two\nlines",1,,\r\n'
    )
    assert write_failures(out, []) is None
    assert list(tmp_path.iterdir()) == []


def test_a_list_of_failures_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "feats.h5.failures.csv").mkdir()
    with pytest.raises(StorageError, match=r"feats\.h5\.failures\.csv"):
        write_failures(tmp_path / "feats.h5", [FailedVideo(b"x", Status.CORRUPT, "why")])
    assert [path.name for path in tmp_path.iterdir()] == ["feats.h5.failures.csv"]


def test_a_report_without_work_has_no_rates() -> None:
    report = ExtractReport(
        out=Path("f.h5"), counts={Status.OK: 3}, failed=(), decoded=0, copied=0,
        labelled=0, gone=0, missing=(), unreachable=(), pruned=0, new_failures=0,
        accept_failures=False, written=False, seconds=0.0, decode_seconds=0.0,
        backbone_seconds=0.0, store_bytes=9, failures_file=None,
    )  # fmt: skip
    assert report.videos_per_second == 0
    assert report_table(report).row_count == 3  # ok, labels, size
