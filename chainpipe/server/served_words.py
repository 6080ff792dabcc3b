"""Answers to words: what `search --text` answers, for the served library."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.search_answers import SearchPlan
from chainpipe.hashing.cli.search_library import SearchedLibrary
from chainpipe.hashing.cli.search_texts import find_by_text
from chainpipe.hashing.reporting.text_results import text_lines
from chainpipe.hashing.retrieval.distance_names import ASYMMETRIC, HAMMING
from chainpipe.pipeline.errors import UsageError

from .problems import RequestProblem, bad_value

if TYPE_CHECKING:
    from chainpipe.pipeline.backbones.texts import TextSide

LONGEST = 500  # characters of a text
_HEAD = ("schema", "query", "unknown", "nearest")


class ServedWords:
    """Finds videos by words; safe to call from several threads.

    Args:
        library: Codes and store.
        tools: Of the command, silent.
        schema: Number of the API's schema.
        trust_weights: Whether pickled weights of the backbone may be read.
    """

    def __init__(
        self, library: SearchedLibrary, tools: Tools, schema: int, *, trust_weights: bool
    ) -> None:
        self._library, self._tools, self._schema = library, tools, schema
        self._trust_weights = trust_weights
        self._lock = threading.Lock()

    @cached_property
    def _side(self) -> TextSide:
        """The text side of the backbone, built when words are first asked."""
        from chainpipe.pipeline.backbones.texts import build_text_side

        backbone = self._library.facts.fingerprint.backbone
        return build_text_side(backbone, trust_weights=self._trust_weights)

    def search(self, text: str, k: int, distance: str | None) -> dict[str, Any]:
        """Return the videos that answer a text best, as the API gives them.

        Args:
            text: Words.
            k: Number of answers.
            distance: ``asymmetric`` (default) or ``hamming``.

        Raises:
            RequestProblem: If the backbone knows no words, the text is too long, or the distance
                compares videos.
        """
        name = distance or ASYMMETRIC
        if name not in (ASYMMETRIC, HAMMING):
            raise bad_value("distance", name[:80], f"{ASYMMETRIC} or {HAMMING} for words")
        if len(text) > LONGEST:
            raise bad_value("text", f"{text[:80]}...", f"at most {LONGEST} characters")
        plan = SearchPlan(name, k=k)
        try:
            with self._lock:
                [found] = find_by_text([text], self._library, plan, self._tools, side=self._side)
        except UsageError as error:
            raise RequestProblem(400, "no_words", str(error), hint=error.hint or "") from error
        lines = list(text_lines([found], self._library.codes, distance=name))
        head = {key: lines[0].pop(key) for key in _HEAD if key in lines[0]}
        results = [
            {key: value for key, value in line.items() if key not in _HEAD} for line in lines
        ]
        return head | {
            "schema": self._schema, "distance": name, "near": bool(found.answers),
            "results": results if found.answers else [],
        }  # fmt: skip
