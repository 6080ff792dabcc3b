"""Each test of plug-ins begins and ends without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chainpipe.hashing.config.losses import LOSSES
from chainpipe.hashing.config.model import ENCODERS
from chainpipe.hashing.methods.registry import METHODS
from chainpipe.pipeline.backbones import BACKBONES
from chainpipe.pipeline.decode.frame_sampling import SAMPLERS
from chainpipe.pipeline.records import Registry, forget_plugins
from tests.hashing.conftest import make_store

__all__ = ["make_store"]

REGISTRIES: tuple[Registry[object], ...] = (LOSSES, ENCODERS, METHODS, BACKBONES, SAMPLERS)  # type: ignore[assignment]


def forget() -> None:
    """Unload every plug-in of this process."""
    forget_plugins()
    for registry in REGISTRIES:
        registry.forget()


@pytest.fixture(autouse=True)
def no_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in a folder of the test's own, without plug-ins of another test."""
    monkeypatch.chdir(tmp_path)
    forget()
    yield
    forget()
