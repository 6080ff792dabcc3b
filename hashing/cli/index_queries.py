"""The queries of ``index search``: ids of the database, and files that are encoded."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chainpipe.pipeline.console import printable
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.records import FailedVideo, raise_if_ours

from ..retrieval.query import SHORTEST_ID
from .context import Tools
from .defaults import choose_model
from .encode import training_meta
from .search_queries import unfolded

if TYPE_CHECKING:
    from ..database.protocol import CodeDatabase, DatabaseHit

DIGITS = re.compile(rf"[0-9a-fA-F]{{{SHORTEST_ID},64}}")


class AskedCode(NamedTuple):
    """One query.

    Attributes:
        text: As the user wrote it.
        id: SHA-256 of the video's bytes, hexadecimal.
        code: Packed, ceil(K / 8) bytes.
    """

    text: str
    id: str
    code: bytes


def asked_codes(
    texts: Sequence[str], database: CodeDatabase, model: Path | None, tools: Tools
) -> tuple[list[AskedCode], int]:
    """Resolve queries; files are extracted and encoded by the model of the collection.

    Args:
        texts: Files, folders of videos, and ids.
        database: What is searched.
        model: A model folder that was named.
        tools: Of the command; the reason of each failure is logged.

    Returns:
        The queries that can be answered, in order, and how many cannot.

    Raises:
        UsageError: If a text is no query, none can be answered, or the model is another one.
    """
    names = unfolded(texts, tools)
    files = [name for name in dict.fromkeys(names) if os.path.isfile(name)]
    coded = _encoded(files, database, model, tools) if files else {}
    known = {name: _by_id(name, database) for name in dict.fromkeys(names) if name not in files}
    found = [{**coded, **known}[name] for name in names if name in coded or name in known]
    if not found:
        raise UsageError("no query that can be read", hint="the reason for each is printed above")
    return found, len(names) - len(found)


def nearest_others(
    database: CodeDatabase, asked: Sequence[AskedCode], k: int, *, keep_self: bool
) -> list[list[DatabaseHit]]:
    """Return the k nearest rows of each query, without those of its own content.

    Args:
        database: What is searched.
        asked: The queries.
        k: How many answers.
        keep_self: Whether a query may find its own content.
    """
    codes = np.array([list(one.code) for one in asked], np.uint8)
    limit = k if keep_self else k + 1
    while True:
        found = database.search(codes, limit)
        others = [
            [hit for hit in hits if keep_self or hit.id != one.id]
            for one, hits in zip(asked, found, strict=True)
        ]
        whole = (len(hits) < limit for hits in found)  # there are no more rows
        if all(len(hits) >= k or done for hits, done in zip(others, whole, strict=True)):
            return [hits[:k] for hits in others]
        limit *= 2  # windows: a query's own can be many


def _by_id(text: str, database: CodeDatabase) -> AskedCode:
    """Return the video of the database whose id starts with some digits.

    Raises:
        UsageError: If there is none, or several.
    """
    if not DIGITS.fullmatch(text):
        hint = f"name a file, or at least {SHORTEST_ID} digits of an id"
        raise UsageError(f"there is no file `{printable(text)}`, and it is no id", hint=hint)
    if database.facts.rows != "videos":
        hint = "ask with a file"
        raise UsageError(f"`{database.name}` holds windows, whose ids are no queries", hint=hint)
    found = list(database.with_id(text.lower(), 2).items())
    if len(found) != 1:
        what = "several ids start" if found else "no id starts"
        hint = "more digits tell them apart" if found else "`index search --json` prints ids"
        raise UsageError(f"{what} with `{text}` in `{database.name}`", hint=hint)
    return AskedCode(text, *found[0])


def _encoded(
    files: Sequence[str], database: CodeDatabase, model: Path | None, tools: Tools
) -> dict[str, AskedCode]:
    """Extract and encode files; those that fail are logged and left out.

    Raises:
        UsageError: If the model is not that of the collection, or features are NaN or infinite.
    """
    from ..methods.registry import load_hasher
    from ..retrieval.encode import encode_videos

    folder, facts = choose_model(model, tools.log)
    if (facts.weights_sha256, facts.bits) != (database.facts.model, database.facts.bits):
        hint = "name the model that its codes are of with `--model`"
        raise UsageError(
            f"`{database.name}` holds codes of another model than `{folder}`", hint=hint
        )
    hasher = load_hasher(folder)[1]
    results = tools.features([Path(name) for name in files], training_meta(facts))
    good = {
        name: one
        for name, one in zip(files, results, strict=True)
        if not isinstance(one, FailedVideo)
    }
    failed = [one for one in results if isinstance(one, FailedVideo)]
    for one in failed:
        tools.log(f"{one.status.label} {printable(one.path)}: {one.message}")
    if not good:
        raise_if_ours(failed)
        return {}
    codes = encode_videos(list(good.values()), facts, hasher)
    return {
        name: AskedCode(name, bytes(codes.video_ids[row]).hex(), codes.packed[row].tobytes())
        for row, name in enumerate(good)
    }
