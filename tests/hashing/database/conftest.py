"""Empty databases of each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from chainpipe.hashing.database.collection import CollectionFacts
from chainpipe.hashing.database.open import database_for
from chainpipe.hashing.database.protocol import CodeDatabase
from tests.hashing.database.in_memory import InMemoryCodes

MakeDatabase = Callable[[CollectionFacts], CodeDatabase]
_NUMBERS = count()


@pytest.fixture(params=["numpy", "faiss", "postgresql", "milvus"])
def make(request: pytest.FixtureRequest) -> Iterator[MakeDatabase]:
    """Return a function that makes an empty database of each engine."""
    opened: list[CodeDatabase] = []

    def made(facts: CollectionFacts) -> CodeDatabase:
        name = f"codes_{next(_NUMBERS)}"
        if request.param == "postgresql":
            address = f"{request.getfixturevalue('postgresql')}&table={name}"
            opened.append(database_for(address, facts))
        elif request.param == "milvus":
            address = f"milvus://{request.getfixturevalue('milvus')}/{name}"
            opened.append(database_for(address, facts))
        else:
            opened.append(InMemoryCodes(facts, request.param))
        return opened[-1]

    yield made
    for database in opened:
        database.close()
