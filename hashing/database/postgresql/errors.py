"""Errors of PostgreSQL in the words of this project; none of them prints a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from chainpipe.pipeline.errors import StorageError, missing_package


def psycopg_module() -> ModuleType:
    """Return psycopg.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise missing_package("PostgreSQL", "psycopg", extra="postgresql") from error
    return psycopg


@contextmanager
def postgresql_errors(name: str) -> Iterator[None]:
    """Convert errors of psycopg.

    Args:
        name: The address as messages print it.

    Raises:
        StorageError: If the server is not reached, or refuses.
    """
    psycopg = psycopg_module()
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        hint = "ask its owner for the right, or take another user"
        raise StorageError(f"`{name}` refuses: {_first_line(error)}", hint=hint) from error
    except psycopg.OperationalError as error:
        hint = "is the server there? a password comes from PGPASSWORD or `~/.pgpass`"
        raise StorageError(f"no answer from `{name}`: {_first_line(error)}", hint=hint) from error
    except psycopg.Error as error:
        hint = "what was pushed before is kept; run it again when the cause is gone"
        raise StorageError(f"`{name}` refuses: {_first_line(error)}", hint=hint) from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
