"""Open a collection of codes by its address: what is there is checked, what is ours is kept."""

from __future__ import annotations

import json
from typing import Protocol

from chainpipe.pipeline.errors import NotFoundError, UsageError

from .address import POSTGRESQL, DatabaseAddress, parse_address
from .collection import EXACT, FORMAT, INDEXES, IVF, CollectionFacts, facts_of_json
from .protocol import CodeDatabase


class DatabaseServer(Protocol):
    """A connection to a database that may have the collection of an address."""

    def description(self) -> str | None:
        """Return what the collection says of itself, ``None`` if there is none."""
        ...

    def create(self, facts: CollectionFacts) -> None:
        """Make the collection."""
        ...

    def drop(self) -> None:
        """Drop the collection."""
        ...

    def collection(self, facts: CollectionFacts) -> CodeDatabase:
        """Return the collection."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def check_index(address: str, index: str) -> None:
    """Refuse an index that no database of an address's kind has.

    Args:
        address: Of the collection.
        index: The name.

    Raises:
        UsageError: If the address is none, or its engine has no such index.
    """
    place = parse_address(address)
    known = INDEXES if place.kind == POSTGRESQL else (EXACT, IVF)
    if index not in known:
        hint = f"one of: {', '.join(known)}"
        raise UsageError(f"`{place.kind}` has no index `{index}` over codes", hint=hint)


def open_database(address: str) -> CodeDatabase:
    """Open a collection that is there.

    Args:
        address: Such as ``postgresql://me@host/db?table=codes``.

    Raises:
        NotFoundError: If the database has no such collection.
        StorageError: If the database is not reached, or refuses.
        UsageError: If the address is none, or chainpipe did not make the collection.
    """
    place = parse_address(address)
    server = _connect(place)
    try:
        found = server.description()
        if found is None:
            message = f"no collection `{place.collection}` at `{place.shown}`"
            raise NotFoundError(message, hint="`chainpipe index push` makes one")
        return server.collection(facts_of_json(found, place.shown))
    except BaseException:
        server.close()
        raise


def database_for(address: str, facts: CollectionFacts, *, recreate: bool = False) -> CodeDatabase:
    """Open a collection for rows; it is made if there is none.

    Args:
        address: Where it is.
        facts: Of the rows.
        recreate: Drop the one that is there, if chainpipe made it.

    Raises:
        StorageError: If the database is not reached, or refuses.
        UsageError: If the address is none, the rows do not belong into the collection, or chainpipe
            did not make it.
    """
    place = parse_address(address)
    server = _connect(place)
    try:
        found = server.description()
        if found is not None and recreate and _is_ours(found):
            server.drop()
            found = None
        if found is None:
            server.create(facts)
            return server.collection(facts)
        there = facts_of_json(found, place.shown)
        there.check_same(facts, place.shown)
        return server.collection(there)
    except BaseException:
        server.close()
        raise


def _connect(place: DatabaseAddress) -> DatabaseServer:
    if place.kind == POSTGRESQL:
        from .postgresql.server import PostgresqlServer

        return PostgresqlServer(place)
    from .milvus.server import MilvusServer

    return MilvusServer(place)


def _is_ours(description: str) -> bool:
    """Return whether chainpipe, of any version, made a collection."""
    try:
        return bool(json.loads(description)["format"] == FORMAT)
    except (ValueError, KeyError, TypeError):
        return False
