"""The duplicates of a library for the API: the lines of ``dedup --json``, with what was decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chainpipe.gallery.duplicate_pairs import HINT
from chainpipe.gallery.json_lines import read_json_lines
from chainpipe.hashing.duplicates.decisions import (
    DecidedPair,
    add_decisions,
    parse_decision,
    read_decisions,
)
from chainpipe.hashing.duplicates.find import DuplicateSearch, find_copies
from chainpipe.hashing.duplicates.lines import json_lines
from chainpipe.hashing.retrieval.bitpack import U8
from chainpipe.pipeline.errors import ChainpipeError, UsageError
from chainpipe.pipeline.store import FeatureStore

from .problems import RequestProblem, bad_value
from .served_library import SCHEMA, ServedLibrary

ANSWERS = ("copy", "part-of", "same-scenes", "similar")
PAGE = 100
MOST = 1000  # pairs of one answer
Facts = dict[str, Any]


def write_duplicates(
    path: Path, store: FeatureStore, codes: U8, *, workers: int, progress: Callable[..., Any]
) -> None:
    """Look through a store and write what ``chainpipe dedup STORE --json`` would print.

    Args:
        path: The file.
        store: The library.
        codes: Packed codes of its N videos, which give the candidates.
        workers: Processes that compare.
        progress: Progress bar.

    Raises:
        UsageError: If features are NaN or infinite.
        DamageError: If the store is damaged.
    """
    report = find_copies(store, DuplicateSearch(workers=workers), codes=codes, progress=progress)
    path.write_text("".join(f"{line}\n" for line in json_lines(report)))


class ServedDuplicates:
    """Pairs of a library and what people decided about them.

    Args:
        library: The library.
        lines: What ``dedup --json`` printed; ``None`` if it was not looked for duplicates.
        decisions: File of decisions.

    Raises:
        NotFoundError: If there is no file of lines.
        UsageError: If a line is no pair of the library.
    """

    def __init__(self, library: ServedLibrary, lines: Path | None, decisions: Path) -> None:
        self._library, self._decisions = library, decisions
        self._pairs = None if lines is None else list(self._read(lines))

    def page(self, answer: str | None, offset: int, limit: int) -> Facts:
        """Return some pairs, the surest first, each with ids and with what was decided.

        Args:
            answer: Only pairs with this answer.
            offset: Pairs that are passed over.
            limit: Most pairs, at most 1000.

        Raises:
            RequestProblem: If a value is wrong, or nothing was looked for.
        """
        if answer is not None and answer not in ANSWERS:
            raise bad_value("answer", answer[:80], f"one of {', '.join(ANSWERS)}")
        if self._pairs is None:
            hint = "start it with `--duplicates FILE`, or without `--no-look`"
            message = "this server was started without looking for duplicates"
            raise RequestProblem(404, "not_looked_for", message, hint=hint)
        if offset < 0 or not 1 <= limit <= MOST:
            raise bad_value("limit", limit, f"1 to {MOST}, and an offset of 0 or more")
        pairs = [pair for pair in self._pairs if answer in (None, pair["answer"])]
        decided = read_decisions(self._decisions)
        shown = []
        for pair in pairs[offset : offset + limit]:
            made = decided.of(pair["id_a"], pair["id_b"])
            shown.append(pair | {"decision": None if made is None else made.value})
        return {"schema": SCHEMA, "total": len(pairs), "offset": offset, "pairs": shown}

    def decisions(self) -> list[Facts]:
        """Return the lines of the file of decisions.

        Raises:
            UsageError: If the file holds anything else.
        """
        read_decisions(self._decisions)
        try:
            text = self._decisions.read_bytes()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.split(b"\n") if line.strip()]

    def decide(self, line: bytes) -> Facts:
        """Append a decision to the file; its paths are those of the library.

        Args:
            line: A JSON object as the file has them.

        Raises:
            RequestProblem: If it is no decision, or about videos that the library does not have.
            UsageError: If the file holds anything else.
            StorageError: If it cannot be written.
        """
        try:
            pair = parse_decision(line.strip(), "the decision")
        except ChainpipeError as error:
            hint = 'send {"schema": 1, "a": SHA256, "b": SHA256, "decision": "ignore" or "accept"}'
            raise RequestProblem(400, "no_decision", str(error), hint=hint) from error
        paths = [self._path(pair.a, pair.path_a), self._path(pair.b, pair.path_b)]
        kept = DecidedPair(pair.a, pair.b, pair.decision, *paths)
        add_decisions(self._decisions, [kept])
        found: Facts = json.loads(kept.line())
        return found

    def _path(self, hex_id: str, told: str) -> str:
        """Return the path of a video; the one that was told if the library has the video there."""
        if told and self._library.id_of(told) == hex_id:
            return told
        if (found := self._library.path_of(hex_id)) is None:
            raise RequestProblem(404, "not_found", f"no video of this library has the id {hex_id}")
        return found

    def _read(self, path: Path) -> Iterator[Facts]:
        for where, facts in read_json_lines(path, schema=SCHEMA, hint=HINT):
            if "blank" in facts:
                continue
            names = [facts.get(one) for one in ("a", "b")]
            ids = [self._library.id_of(name) for name in names if isinstance(name, str)]
            if len(ids) < len(names) or not all(ids) or facts.get("answer") not in ANSWERS:
                raise UsageError(f"{where} is no pair of this library", hint=HINT)
            yield facts | {"id_a": ids[0], "id_b": ids[1]}
