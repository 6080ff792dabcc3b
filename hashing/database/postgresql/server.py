"""A PostgreSQL server: connect, and make, describe and drop a table of codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainpipe.pipeline.errors import StorageError, UsageError

from ..address import DatabaseAddress
from ..collection import CollectionFacts
from .codes import PostgresqlCodes
from .errors import postgresql_errors, psycopg_module
from .table import COLUMNS, create_table, quoted

if TYPE_CHECKING:
    from psycopg import Connection

OPTIONS = {
    "application_name": "chainpipe",
    "connect_timeout": 10,  # seconds
    "keepalives_idle": 30,  # seconds
    "tcp_user_timeout": 60_000,  # milliseconds without an acknowledgement
}
PGVECTOR = (0, 8)  # the oldest that is taken
PGVECTOR_HINT = "pgvector 0.8 or newer is needed: https://github.com/pgvector/pgvector"


class PostgresqlServer:
    """A connection to the database that an address names.

    Args:
        address: Where the table is, or is to be.

    Raises:
        StorageError: If the server is not reached in time, or refuses.
        UsageError: If psycopg is not installed, or the address is not understood.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        psycopg = psycopg_module()
        try:
            known = psycopg.conninfo.conninfo_to_dict(address.server)
        except psycopg.ProgrammingError as error:
            message = f"PostgreSQL does not understand `{address.shown}`"
            raise UsageError(message, hint=str(error).strip().splitlines()[0]) from error
        options = OPTIONS | known
        self._address = address
        with postgresql_errors(address.shown):
            self._connection: Connection = psycopg.connect(**options, autocommit=True)

    def description(self) -> str | None:
        """Return what the table says of itself, ``None`` if there is no such table."""
        with postgresql_errors(self._address.shown):
            found = self._connection.execute(
                "SELECT to_regclass(%s), "
                "coalesce(obj_description(to_regclass(%s), 'pg_class'), '')",
                [quoted(self._address.collection)] * 2,
            ).fetchone()
        return None if found is None or found[0] is None else str(found[1])

    def create(self, facts: CollectionFacts) -> None:
        """Make the table.

        Raises:
            StorageError: If the server refuses, or has no pgvector.
        """
        psycopg = psycopg_module()
        try:
            with postgresql_errors(self._address.shown), self._connection.transaction():
                for statement in create_table(self._address.collection, facts):
                    self._connection.execute(statement)
        except StorageError as error:
            missing = (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile)
            if isinstance(error.__cause__, missing):
                raise StorageError(str(error), hint=PGVECTOR_HINT) from error
            raise

    def drop(self) -> None:
        """Drop the table.

        Raises:
            StorageError: If the server refuses.
        """
        with postgresql_errors(self._address.shown):
            self._connection.execute(f"DROP TABLE {quoted(self._address.collection)}")

    def collection(self, facts: CollectionFacts) -> PostgresqlCodes:
        """Return the table.

        Raises:
            UsageError: If its columns are not those that it was made with.
            StorageError: If pgvector is too old, or the server refuses.
        """
        self._check_columns(facts)
        self._check_pgvector()
        return PostgresqlCodes(self._connection, self._address, facts)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _check_columns(self, facts: CollectionFacts) -> None:
        with postgresql_errors(self._address.shown):
            found: dict[str, str] = dict(
                self._connection.execute(
                    "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
                    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
                    [quoted(self._address.collection)],
                ).fetchall()
            )
        wanted = f"bit({facts.bits})"
        wrong = [name for name in COLUMNS if name not in found]
        if not wrong and found["code"] == wanted:
            return
        what = f"no column `{wrong[0]}`" if wrong else f"codes of {found['code']}, not {wanted}"
        hint = "name another table with `?table=`, or make it anew with `--recreate`"
        raise UsageError(f"the table of `{self._address.shown}` has {what}", hint=hint)

    def _check_pgvector(self) -> None:
        with postgresql_errors(self._address.shown):
            found = self._connection.execute(
                "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
            ).fetchone()
        version = str(found[0]) if found else "none"
        numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
        if numbers < PGVECTOR:
            message = f"`{self._address.shown}` has pgvector {version}"
            raise StorageError(message, hint=PGVECTOR_HINT)
