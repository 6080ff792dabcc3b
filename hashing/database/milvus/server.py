"""A Milvus server, or a file of Milvus Lite: connect, make, describe and drop a collection."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainpipe.pipeline.errors import UsageError

from ..address import MILVUS_FILE, DatabaseAddress
from ..collection import CollectionFacts
from .codes import MilvusCodes, add_index
from .errors import LITE_HINT, milvus_errors, pymilvus_module
from .schema import FIELDS, dimensions, schema_of

SECONDS = 10.0  # to reach the server
TOKEN = "MILVUS_TOKEN"  # environment variable: USER:PASSWORD, or a key


class MilvusServer:
    """A connection to the server or file that an address names.

    Args:
        address: Where the collection is, or is to be.

    Raises:
        StorageError: If the server is not reached in time, or refuses.
        UsageError: If pymilvus, or for a file Milvus Lite, is not installed.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        pymilvus = pymilvus_module()
        self._address = address
        given = {"token": os.environ[TOKEN]} if os.environ.get(TOKEN) else {}
        if address.kind == MILVUS_FILE:
            _check_lite(address)
            given = {}
        with milvus_errors(address.shown):
            self._client: Any = pymilvus.MilvusClient(address.server, timeout=SECONDS, **given)

    def description(self) -> str | None:
        """Return what the collection says of itself, ``None`` if there is no such collection."""
        name = self._address.collection
        with milvus_errors(self._address.shown):
            if not self._client.has_collection(name, timeout=SECONDS):
                return None
            return str(self._client.describe_collection(name).get("description", ""))

    def create(self, facts: CollectionFacts) -> None:
        """Make the collection, with the exact index.

        Raises:
            UsageError: If it is a Milvus Lite without binary vectors.
            StorageError: If the server refuses.
        """
        pymilvus, name = pymilvus_module(), self._address.collection
        with milvus_errors(self._address.shown):
            self._client.create_collection(
                name, schema=schema_of(pymilvus, facts), consistency_level="Strong"
            )
            add_index(self._client, name, facts.index, rows=0)
            self._client.load_collection(name)

    def drop(self) -> None:
        """Drop the collection.

        Raises:
            StorageError: If the server refuses.
        """
        with milvus_errors(self._address.shown):
            self._client.drop_collection(self._address.collection)

    def collection(self, facts: CollectionFacts) -> MilvusCodes:
        """Return the collection, loaded.

        Raises:
            UsageError: If its fields are not those that it was made with.
            StorageError: If the server refuses.
        """
        name = self._address.collection
        with milvus_errors(self._address.shown):
            found = {one["name"]: one for one in self._client.describe_collection(name)["fields"]}
            wrong = [one for one in FIELDS if one not in found]
            size = int(found["code"]["params"].get("dim", 0)) if not wrong else 0
            if wrong or size != dimensions(facts.bits):
                what = f"no field `{wrong[0]}`" if wrong else f"vectors of {size} bits"
                hint = "name another collection, or make it anew with `--recreate`"
                message = f"the collection of `{self._address.shown}` has {what}"
                raise UsageError(message, hint=hint)
            self._client.load_collection(name)
        return MilvusCodes(self._client, self._address, facts)

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def _check_lite(address: DatabaseAddress) -> None:
    """Refuse a file where Milvus Lite is not installed, or its folder is missing."""
    from importlib.util import find_spec

    if find_spec("milvus_lite") is None:
        raise UsageError(f"`{address.shown}` needs Milvus Lite", hint=LITE_HINT)
    if not Path(address.server).absolute().parent.is_dir():
        raise UsageError(f"no folder for `{address.shown}`", hint="make it first")
