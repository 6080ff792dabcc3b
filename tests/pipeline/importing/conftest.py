"""Nothing is downloaded, and nothing is written into the user's cache."""

from pathlib import Path

import datasets
import pytest


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The store to write, in a folder of its own."""
    (tmp_path / "stores").mkdir()
    return tmp_path / "stores" / "feats.h5"
