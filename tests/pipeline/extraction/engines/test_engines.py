"""Many machines: the same store as one machine makes, whatever becomes of some of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from chainpipe.pipeline.console import Console
from chainpipe.pipeline.errors import StorageError, UsageError
from chainpipe.pipeline.extraction.engines.coordinator import (
    MAX_LEASES,
    LeasingEngine,
    LostUnitError,
)
from chainpipe.pipeline.extraction.engines.settings import Settings
from chainpipe.pipeline.extraction.engines.work_unit import (
    KnownContent,
    UnitReport,
    WorkUnit,
    attempt,
    work_unit,
)
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.extraction.output import open_outputs
from chainpipe.pipeline.extraction.process import pending_jobs, process_videos
from chainpipe.pipeline.extraction.signals import StopRequest
from chainpipe.pipeline.extraction.specs import build_backbones, extraction_specs
from chainpipe.pipeline.inputs.manifest import read_manifest
from chainpipe.pipeline.records import Status
from chainpipe.pipeline.store import open_store, parts_of
from tests.pipeline.extraction.test_extract import clips

__all__ = ["clips"]  # a fixture

FRAMES = 3


@pytest.fixture
def videos(clips: Path, tmp_path: Path) -> Path:
    """Seven clips, a twin, and one that is none."""
    folder = tmp_path / "videos"
    shutil.copytree(clips, folder)
    shutil.copy(clips / "0.mp4", folder / "twin.mp4")
    (folder / "text.mp4").write_text("not a video")
    return folder


@pytest.fixture
def options(videos: Path, tmp_path: Path) -> ExtractOptions:
    return ExtractOptions.of(videos, tmp_path / "feats.h5", frames=FRAMES, workers=1, unit_videos=2)


def everything(out: Path) -> list[object]:
    """What must not depend on who did the work: rows by path, and the failures."""
    with open_store(out) as store:
        assert list(store.damage()) == []
        arrays = store.features(slice(None)), store.index(slice(None)), store.videos.ids
        rows = sorted(zip(store.videos.paths, *(map(bytes, a) for a in arrays), strict=True))
        return [rows, [(v.path, v.status, v.attempts) for v in store.failed]]


@pytest.fixture
def expected(options: ExtractOptions) -> list[object]:
    alone = options.changed(out=options.out.with_name("local.h5"))
    assert extract(alone).exit_code == 3
    return everything(alone.out)


class HerePool:
    """A pool that works in this thread; ``lose`` says which attempts are lost.

    A lost machine has done its work, sealed its files, and never reported.
    """

    def __init__(self, lose: Callable[[WorkUnit, int], bool] = lambda unit, nth: False) -> None:
        self._lose, self.attempts = lose, list[int]()

    def run(
        self, units: Sequence[WorkUnit]
    ) -> Iterator[tuple[WorkUnit, UnitReport | Exception] | None]:
        for unit in units:
            self.attempts.append(unit.number)
            report = attempt(unit)
            lost = self._lose(unit, self.attempts.count(unit.number))
            yield unit, LostUnitError("gone") if lost else report
        yield None

    def close(self) -> None:
        self.attempts.append(-1)


def extract_with(pool: HerePool, options: ExtractOptions) -> None:
    """Extract as ``extract_all`` does, through a pool, up to the journal."""
    manifest = read_manifest(options.source)
    specs = extraction_specs(options, build_backbones(["cnn"], options.compute))
    console = Console(quiet=True)
    with StopRequest() as stop, open_outputs([options.out], manifest, specs) as outputs:
        process_videos(
            manifest, outputs, LeasingEngine(pool, options, stop, console), stop, console
        )


def test_units_make_the_store_that_one_machine_makes(options, expected) -> None:
    extract_with(pool := HerePool(), options)
    assert pool.attempts[:5] == [1, 2, 3, 4, 5]
    assert extract(options).decoded == 0
    assert everything(options.out) == expected


def test_a_reason_of_several_lines_is_told_in_one() -> None:
    assert str(LostUnitError(OSError("Job 7 with path x\nhas no output"))) == (
        "Job 7 with path x has no output"
    )


def test_a_lost_unit_is_leased_again_and_nothing_is_doubled(options, expected) -> None:
    extract_with(pool := HerePool(lambda unit, nth: unit.number == 2 and nth == 1), options)
    assert pool.attempts.count(2) == 2
    assert extract(options).decoded == 0
    assert everything(options.out) == expected


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_unit_whose_file_is_lost_on_the_way_is_leased_again(options, expected, harm) -> None:
    class Losing(HerePool):
        def run(self, units):
            for unit, report in filter(None, super().run(units)):
                if self.attempts.count(2) == 1 and unit.number == 2:
                    file = parts_of(options.out) / report.files[0]
                    os.truncate(file, 700) if harm == "cut" else file.unlink()
                yield unit, report

    extract_with(pool := Losing(), options)
    assert pool.attempts.count(2) == 2
    assert extract(options).decoded == 0
    assert everything(options.out) == expected


def test_a_unit_that_is_lost_again_and_again_is_given_up_and_tried_by_the_next_run(
    options, expected
) -> None:
    extract_with(pool := HerePool(lambda unit, nth: unit.number == 1), options)
    assert pool.attempts.count(1) == MAX_LEASES
    for path in parts_of(options.out).glob("unit-*"):
        path.unlink()
    report = extract(options)
    assert report.counts == {Status.OK: 8, Status.CORRUPT: 1}
    assert everything(options.out)[0] == expected[0]


def test_what_a_dead_coordinators_machines_made_is_not_made_again(options, expected) -> None:
    class Dead(BaseException):
        pass

    class Dying(HerePool):
        def run(self, units):
            for unit in units:
                attempt(unit)
            raise Dead

    with pytest.raises(Dead):
        extract_with(Dying(), options)
    report = extract(options)
    assert report.decoded == 0
    assert everything(options.out) == expected


def test_a_retried_and_a_changed_video_are_renewed_by_units(
    options: ExtractOptions, videos: Path, clips: Path
) -> None:
    extract(options)
    shutil.copy(clips / "2.mp4", videos / "text.mp4")
    (videos / "1.mp4").write_text("overwritten")
    extract_with(HerePool(), options)
    report = extract(options)
    assert report.decoded == 0
    assert [video.path for video in report.failed] == [b"1.mp4"]
    with open_store(options.out) as store:
        assert b"text.mp4" in store.videos.paths


def test_two_machines_with_one_unit_do_not_disturb_each_other(options, expected) -> None:
    class Twice(HerePool):
        def run(self, units):
            for unit in units:
                other = threading.Thread(target=attempt, args=(unit,))
                other.start()
                report = attempt(unit)
                other.join()
                yield unit, report

    extract_with(Twice(), options)
    assert extract(options).decoded == 0
    assert everything(options.out) == expected


def test_an_error_of_the_disk_ends_the_run(options) -> None:
    class Full(HerePool):
        def run(self, units):
            yield units[0], StorageError("no space left")

    with pytest.raises(StorageError, match="no space"):
        extract_with(Full(), options)


def test_known_content_is_not_read_again(tmp_path) -> None:
    import numpy as np

    ids = sorted(os.urandom(32) for _ in range(50))
    known = KnownContent(np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 32))
    assert all(known.claim(video_id, b"x") == b"" for video_id in ids)
    assert known.claim(b"\xff" * 32, b"x") == b"x"
    assert known.claim(b"\xff" * 32, b"y") == b"x"


def test_a_renamed_file_is_copied_by_units_too(options, videos) -> None:
    extract(options)
    (videos / "1.mp4").rename(videos / "z.mp4")
    manifest = read_manifest(videos)
    specs = extraction_specs(options, build_backbones(["cnn"], options.compute))
    with open_outputs([options.out], manifest, specs) as outputs:
        from chainpipe.pipeline.extraction.engines.work_unit import write_known

        write_known(options.out, outputs[0].claims.contents())
        jobs = tuple(pending_jobs(manifest.items, outputs))
        unit = WorkUnit(1, jobs, options, (outputs[0].journal.spec,))
        report = work_unit(unit)
    assert [duplicate.item.path for _, duplicate in report.duplicates] == [b"z.mp4"]
    assert report.files == {}


def on_slurm(options: ExtractOptions, **more: str) -> ExtractOptions:
    settings = {"cluster": "local", "jobs": "2", **more}
    return options.changed(engine="slurm", engine_options=tuple(settings.items()))


@pytest.fixture
def long_units(options: ExtractOptions) -> ExtractOptions:
    return options.changed(unit_videos=3)


class Hunter(threading.Thread):
    """Kills a process of a name below this one, a while after the first appears."""

    def __init__(self, name: str, *, after: float) -> None:
        super().__init__()
        self._sought, self._after, self.hit = name, after, False
        self.start()

    def run(self) -> None:
        self._strike(0)  # signal 0 harms nothing: the first one is there
        time.sleep(self._after)
        self.hit = self._strike(signal.SIGKILL)

    def _strike(self, number: int) -> bool:
        """Send a signal to the first process that there is, within half a minute."""
        for _ in range(600):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if self._sought in " ".join(child.cmdline()):
                        child.send_signal(number)
                        return True
            time.sleep(0.05)
        return False


def test_slurm_jobs_make_the_same_store(long_units, expected) -> None:
    assert extract(on_slurm(long_units)).exit_code == 3
    assert everything(long_units.out) == expected
    assert not parts_of(long_units.out).exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"jobs": "0"}, "setting `jobs` is `0`"),
        ({"parition": "gpu"}, "refuses"),
        ({"timeout_min": "soon"}, "refuses"),
    ],
)
def test_wrong_settings_of_slurm_are_refused(options, settings, words) -> None:
    with pytest.raises(UsageError, match=words):
        extract(on_slurm(options, **settings))
    assert not parts_of(options.out).exists()


def test_without_its_library_an_engine_says_what_to_install(options, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(UsageError, match="`--engine slurm` needs the package `submitit`") as caught:
        extract(on_slurm(options))
    assert caught.value.hint == "pip install 'chainpipe-video[slurm]'"


def test_settings_that_nobody_takes_are_unknown() -> None:
    settings = Settings([("cpus", "2"), ("colour", "red")])
    assert settings.number("cpus", 1) == 2
    with pytest.raises(UsageError, match="unknown setting `colour`"):
        settings.nothing_more("known is `cpus`")
