"""Addresses of collections: ``postgresql://...``, ``milvus://...``, ``milvus+file:...``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from chainpipe.pipeline.errors import UsageError

POSTGRESQL, MILVUS, MILVUS_TLS, MILVUS_FILE = "postgresql", "milvus", "milvus+https", "milvus+file"
COLLECTION = "chainpipe_codes"
MILVUS_PORT = 19530
FORMS = (
    "postgresql://USER@HOST/DATABASE?table=NAME",
    "milvus://HOST:PORT/COLLECTION",
    "milvus+file:PATH?collection=NAME",
)
NAMES = "letters, digits and `_`, at most 58"  # of PostgreSQL's 63: an index adds its own
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,57}")


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a collection is.

    Attributes:
        kind: ``postgresql``, ``milvus`` or ``milvus+file``.
        server: What the client library is given: a connection string, an address, a file.
        collection: Name of the table or collection; ``schema.table`` in PostgreSQL.
        shown: The address as messages print it.
    """

    kind: str
    server: str
    collection: str
    shown: str


def parse_address(text: str) -> DatabaseAddress:
    """Read an address.

    Raises:
        UsageError: If it is none, or holds a password.

    Example:
        >>> found = parse_address("postgresql://me@db.local/videos?table=clips&sslmode=require")
        >>> found.server, found.collection
        ('postgresql://me@db.local/videos?sslmode=require', 'clips')
        >>> parse_address("milvus://localhost/clips").server
        'http://localhost:19530'
    """
    try:
        url = urlsplit(text)
        url.port  # noqa: B018 - raises for a port that is no number
    except ValueError as error:  # its text may hold part of a password
        raise _no_address("the text", "its host or port cannot be read") from error
    if url.scheme in (POSTGRESQL, "postgres"):
        return _postgresql(url)
    if url.scheme in (MILVUS, MILVUS_TLS):
        return _milvus(url)
    if url.scheme == MILVUS_FILE:
        return _milvus_file(url)
    raise _no_address(f"`{url.scheme}:`" if url.scheme else f"`{text}`", "no database of ours")


def _postgresql(url: SplitResult) -> DatabaseAddress:
    options = parse_qsl(url.query, keep_blank_values=True)
    _refuse_password(url, dict(options), "PGPASSWORD or `~/.pgpass` holds it")
    names = [value for name, value in options if name == "table"]
    table = names[-1] if names else COLLECTION
    parts = table.split(".")
    if len(parts) > 2 or not all(_NAME.fullmatch(part) for part in parts):
        raise UsageError(f"`{table}` is no name of a table", hint=NAMES)
    rest = urlencode([pair for pair in options if pair[0] != "table"])
    server = url._replace(scheme=POSTGRESQL, query=rest).geturl()
    netloc = url.netloc.replace(":@", "@")
    shown = url._replace(
        scheme=POSTGRESQL, netloc=netloc, query=urlencode({"table": table})
    ).geturl()
    return DatabaseAddress(POSTGRESQL, server, table, shown)


def _milvus(url: SplitResult) -> DatabaseAddress:
    _refuse_password(url, {}, "MILVUS_TOKEN holds it, as USER:PASSWORD")
    name = url.path.strip("/")
    if not url.hostname or not name:
        raise _no_address(f"`{url.geturl()}`", "a host and a collection are needed")
    if url.username is not None:
        hint = "MILVUS_TOKEN holds both, as USER:PASSWORD"
        raise UsageError("a Milvus address takes no user", hint=hint)
    way = "https" if url.scheme == MILVUS_TLS else "http"
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    server = f"{way}://{host}:{url.port or MILVUS_PORT}"
    return DatabaseAddress(MILVUS, server, _checked(name), url._replace(query="").geturl())


def _milvus_file(url: SplitResult) -> DatabaseAddress:
    path = unquote(url.path)
    if not path or url.netloc:
        raise _no_address(f"`{url.geturl()}`", "a path is needed")
    name = dict(parse_qsl(url.query)).get("collection", COLLECTION)
    return DatabaseAddress(MILVUS_FILE, path, _checked(name), f"{MILVUS_FILE}:{path}")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name}` is no name of a collection", hint=NAMES)
    return name


def _refuse_password(url: SplitResult, options: dict[str, str], hint: str) -> None:
    if url.password or {"password", "sslpassword"} & set(options):
        message = "the address holds a password, which other users of this machine can see"
        raise UsageError(message, hint=f"leave it out: {hint}")


def _no_address(what: str, why: str) -> UsageError:
    return UsageError(f"{what} is no address of codes: {why}", hint=f"such as {', '.join(FORMS)}")
