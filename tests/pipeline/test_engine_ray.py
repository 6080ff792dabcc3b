"""A real Ray: the same store, with backbone actors that serve all tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.errors import UsageError
from pipeline.extract import extract
from pipeline.options import ExtractOptions
from tests.pipeline.test_engines import (
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
    return replace(options, engine="ray", engine_options=tuple(settings.items()))


@pytest.mark.timeout(600)
def test_an_actor_holds_the_backbone_for_all_tasks(long_units, expected) -> None:
    report = extract(on_ray(long_units, actors="1", cpus="3"))
    assert report.exit_code == 3
    assert everything(long_units.out) == expected


def test_unknown_settings_of_ray_are_refused(options) -> None:
    with pytest.raises(UsageError, match="unknown setting `colour`"):
        extract(on_ray(options, colour="red"))
