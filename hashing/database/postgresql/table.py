"""The table of codes in PostgreSQL, as ``index push`` makes it and ``export codes`` writes it."""

from __future__ import annotations

from ..collection import CollectionFacts

COLUMNS = (
    *("id", "number", "path", "code", "duration"),
    *("labels", "split", "start_seconds", "end_seconds"),
)


def create_table(table: str, facts: CollectionFacts) -> list[str]:
    """Return the statements that make an empty table.

    The order of ids is that of their bytes, in every locale.

    Args:
        table: Its name, ``schema.table`` or ``table``; letters, digits and ``_`` only.
        facts: What it is to hold.
    """
    return [
        "CREATE EXTENSION IF NOT EXISTS vector",
        f"""CREATE TABLE {quoted(table)} (
  id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  path text NOT NULL,
  code bit({facts.bits}) NOT NULL,
  duration double precision,
  labels text[] NOT NULL,
  split text NOT NULL,
  start_seconds double precision,
  end_seconds double precision,
  PRIMARY KEY (id, number)
)""",
        comment_on(table, facts),
    ]


def comment_on(table: str, facts: CollectionFacts) -> str:
    """Return the statement that notes beside a table what it holds."""
    words = facts.to_json().replace("'", "''")
    return f"COMMENT ON TABLE {quoted(table)} IS '{words}'"


def quoted(table: str) -> str:
    """Return a name in quotes, so that capital letters stay.

    >>> quoted("media.Codes")
    '"media"."Codes"'
    """
    return ".".join(f'"{part}"' for part in table.split("."))
