"""What the fault campaign shares: its counters and its smallest library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.faults.clips import library
from tests.faults.running import Extraction

MakeCampaign = Callable[[str, int], Campaign]


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> MakeCampaign:
    """Give the counter of one line of the table."""
    return lambda key, count: Campaign(key, count, request.path)


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight different clips, a twin, and one file that is no video."""
    return library(tmp_path_factory.mktemp("library") / "videos", 8)


@pytest.fixture(scope="session")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that an extraction which nobody hurts makes."""
    out = tmp_path_factory.mktemp("whole") / "out" / "feats.h5"
    out.parent.mkdir()
    assert Extraction(videos, out).finish() == 3
    return out
