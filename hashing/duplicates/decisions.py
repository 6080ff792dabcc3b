"""Decisions of people on pairs of videos, kept by content in a file of JSON lines."""

from __future__ import annotations

import fcntl
import json
import os
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import json_text, printable, restored
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

SCHEMA = 1
FILE = "decisions.jsonl"
_HINT = "mend or delete that line, or name another file with `--decisions`"


class Decision(Enum):
    """What somebody decided about a pair; the value is the word in the file."""

    IGNORE = "ignore"
    ACCEPT = "accept"

    @property
    def text(self) -> str:
        """What it says about the two, for people."""
        return "no copies" if self is Decision.IGNORE else "copies"


@dataclass(frozen=True, slots=True)
class DecidedPair:
    """One line of the file.

    Attributes:
        a: SHA-256 of the first file's bytes, hexadecimal.
        b: SHA-256 of the second file's bytes.
        decision: What was decided.
        path_a: Where the first file was, for people: nothing is found by it.
        path_b: Where the second one was.
    """

    a: str
    b: str
    decision: Decision
    path_a: str = ""
    path_b: str = ""

    def line(self) -> str:
        """Return the line of JSON, without its end."""
        facts = {"schema": SCHEMA, "a": self.a, "b": self.b, "decision": self.decision.value}
        return json_text(facts | {"path_a": self.path_a, "path_b": self.path_b})


class Decisions:
    """What was decided about pairs of contents; the order of a pair does not matter.

    Example:
        >>> made = Decisions({frozenset(("aa", "bb")): Decision.IGNORE})
        >>> made.of("bb", "aa"), made.of("aa", "cc")
        (<Decision.IGNORE: 'ignore'>, None)
    """

    def __init__(self, by_pair: Mapping[frozenset[str], Decision] | None = None) -> None:
        self._by_pair = dict(by_pair or {})

    def of(self, a: str, b: str) -> Decision | None:
        """Return what was decided about two contents, hexadecimal, or ``None``."""
        return self._by_pair.get(frozenset((a, b)))

    def pairs(self, decision: Decision) -> Iterator[tuple[str, str]]:
        """Yield the pairs that were decided so, each in the order of its ids."""
        for pair, made in self._by_pair.items():
            if made is decision:
                first, *rest = sorted(pair)
                yield first, rest[0] if rest else first

    def __len__(self) -> int:
        return len(self._by_pair)


def decisions_beside(store: Path) -> Path:
    """Return the default file of decisions: beside the store.

    >>> decisions_beside(Path("videos/feats.h5")).as_posix()
    'videos/decisions.jsonl'
    """
    return store.parent / FILE


def read_decisions(path: Path | None) -> Decisions:
    """Read a file of decisions; of several lines on one pair the last one counts.

    Args:
        path: The file; a missing one, or ``None``, holds no decisions.

    Raises:
        UsageError: If a line is not one of ours; it names the line.
    """
    if path is None:
        return Decisions()
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Decisions()
    except OSError as error:
        message = f"cannot read the decisions in `{printable(path)}`: {error.strerror}"
        raise UsageError(message, hint="name another file with `--decisions`") from error
    by_pair: dict[frozenset[str], Decision] = {}
    for number, line in enumerate(text.split(b"\n"), start=1):
        if line.strip():
            pair = parse_decision(line, f"line {number} of `{printable(path)}`")
            by_pair[frozenset((pair.a, pair.b))] = pair.decision
    return Decisions(by_pair)


def add_decisions(path: Path, pairs: Sequence[DecidedPair]) -> None:
    """Add lines to a file of decisions, all or none.

    Args:
        path: The file, which is made if missing.
        pairs: What was decided, in order.

    Raises:
        UsageError: If the file that is there holds anything else; it is left as it is.
        StorageError: If it cannot be written.
    """
    with storage_errors(path), _one_at_a_time(path.parent):
        read_decisions(path)
        before = path.read_bytes() if path.exists() else b""
        if before and not before.endswith(b"\n"):
            before += b"\n"
        with atomic_replace(path) as temporary:
            temporary.write_bytes(before + b"".join(b"%s\n" % p.line().encode() for p in pairs))


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Lock a folder against another writer; the system unlocks it when the process ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def parse_decision(line: bytes, where: str) -> DecidedPair:
    """Return the pair that a line of the file holds.

    Args:
        line: A JSON object as :meth:`DecidedPair.line` writes it.
        where: What the line is, for messages.

    Raises:
        UsageError: If it is not one of ours.
    """
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is no JSON: `{_shown(line)}`", hint=_HINT) from error
    if not isinstance(facts, dict):
        raise UsageError(f"{where} is no JSON object: `{_shown(line)}`", hint=_HINT)
    if facts.get("schema") != SCHEMA:
        message = f"{where} has the schema `{_shown(facts.get('schema'))}`, not {SCHEMA}"
        raise UsageError(message, hint=_HINT)
    for key in ("a", "b"):
        if not _is_sha256(facts.get(key)):
            message = f"{where}: `{key}` is no SHA-256 in lower case: `{_shown(facts.get(key))}`"
            raise UsageError(message, hint=_HINT)
    words = {decision.value: decision for decision in Decision}
    word = facts.get("decision")
    if not isinstance(word, str) or word not in words:
        message = f"{where}: the decision is `{_shown(word)}`, not `ignore` or `accept`"
        raise UsageError(message, hint=_HINT)
    try:
        named = restored(facts)
    except ValueError as error:
        raise UsageError(f"{where} has bytes that are not hexadecimal", hint=_HINT) from error
    paths = (str(named.get(key, "")) for key in ("path_a", "path_b"))
    return DecidedPair(facts["a"], facts["b"], words[word], *paths)


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and not set(value) - _DIGITS


_DIGITS = set(string.hexdigits.lower())


def _shown(value: Any) -> str:
    """Return a value in one short printable line."""
    text = printable(value if isinstance(value, bytes) else str(value))
    return text if len(text) <= 60 else f"{text[:59]}…"
