"""A real Ray: the same store, with backbone actors that serve all tasks."""

from __future__ import annotations

import signal

import pytest

from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.extract import extract
from chainpipe.pipeline.extraction.options import ExtractOptions
from chainpipe.pipeline.records import Status
from tests.pipeline.extraction.engines.test_engines import (
    clips,
    everything,
    expected,
    long_units,
    options,
    videos,
)

__all__ = ["clips", "expected", "long_units", "options", "videos"]  # fixtures

ray_library = pytest.importorskip("ray")


@pytest.fixture(autouse=True)
def shut_down():
    yield
    ray_library.shutdown()


def on_ray(options: ExtractOptions, **more: str) -> ExtractOptions:
    settings = {"cpus": "2", "tasks": "2", **more}
    return options.changed(engine="ray", engine_options=tuple(settings.items()))


@pytest.mark.timeout(600)
def test_an_actor_holds_the_backbone_for_all_tasks(long_units, expected) -> None:
    report = extract(on_ray(long_units, actors="1", cpus="3"))
    assert report.exit_code == 3
    assert everything(long_units.out) == expected


@pytest.mark.timeout(600)
def test_an_actor_and_its_tasks_share_a_small_machine_and_sigterm_stays_ours(options) -> None:
    before = signal.getsignal(signal.SIGTERM)
    alone = on_ray(options.changed(workers=2), actors="1", cpus="1", tasks="1")
    assert extract(alone).counts[Status.OK] == 8
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(UsageError, match="1 actors with 99 GPUs each, but"):
        extract(on_ray(options, actors="1", gpus_per_actor="99"))


def test_a_cluster_that_is_not_there_is_told(options) -> None:
    with pytest.raises(UsageError, match="Ray does not start"):
        extract(on_ray(options, address="here"))


def test_unknown_settings_of_ray_are_refused(options) -> None:
    with pytest.raises(UsageError, match="unknown setting `colour`"):
        extract(on_ray(options, colour="red"))
