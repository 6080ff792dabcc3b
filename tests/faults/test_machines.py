"""Row 5: machines of a Slurm or Ray run are killed; the store is the one that nobody hurt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from tests.faults.campaign import counts
from tests.faults.conftest import MakeCampaign
from tests.pipeline.extraction.engines.test_engines import (
    Hunter,
    clips,
    everything,
    expected,
    on_slurm,
    options,
    videos,
)

__all__ = ["clips", "expected", "options", "videos"]  # fixtures


@counts("slurm")
@pytest.mark.timeout(3600)
def test_killed_slurm_jobs_are_leased_again(
    options: ExtractOptions, expected: list[object], campaign: MakeCampaign, count: int
) -> None:
    with campaign("slurm", count) as trials:
        for number in range(count):
            asked = options.changed(unit_videos=3, out=options.out.with_name(f"{number}.h5"))
            hunter = Hunter("submitit.core._submit", after=(number % 7) * 0.3 + 0.1)
            code = extract(on_slurm(asked)).exit_code
            hunter.join()
            held = hunter.hit and code == 3 and everything(asked.out) == expected
            trials.check(held, f"killed after {(number % 7) * 0.3 + 0.1:.1f} s")


@pytest.fixture
def ray_stopped() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    yield
    ray.shutdown()


@counts("ray")
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("ray_stopped")
def test_killed_ray_workers_cost_nothing(
    options: ExtractOptions, expected: list[object], campaign: MakeCampaign, count: int
) -> None:
    two = (("cpus", "2"), ("tasks", "2"))
    with campaign("ray", count) as trials:
        for number in range(count):
            out = options.out.with_name(f"{number}.h5")
            asked = options.changed(unit_videos=3, out=out, engine="ray", engine_options=two)
            hunter = Hunter("ray::_attempt", after=(number % 5) * 0.7 + 0.3)
            code = extract(asked).exit_code
            hunter.join()
            held = hunter.hit and code == 3 and everything(asked.out) == expected
            trials.check(held, f"killed after {(number % 5) * 0.7 + 0.3:.1f} s")
