"""Fewer stretches of films are tried to learn what chance reaches, for the tests' sake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chainpipe.hashing.films import chance


@pytest.fixture(autouse=True, scope="session")
def few_stretches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chance, "TRIED", 24)
        yield
