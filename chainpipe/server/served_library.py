"""The library that is served: opened once, searched by one request at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.hashing.cli.context import Tools
from chainpipe.hashing.cli.library_facts import knows_times, library_facts
from chainpipe.hashing.cli.search_answers import ReadySearch, SearchPlan, find_answers
from chainpipe.hashing.cli.search_library import SearchedLibrary, searched_library
from chainpipe.hashing.cli.search_queries import AskedVideo
from chainpipe.hashing.model_folder.folder import ModelFacts
from chainpipe.hashing.reporting.search_results import to_json
from chainpipe.hashing.retrieval.distance_names import DISTANCES, HAMMING, RERANK
from chainpipe.hashing.retrieval.encode import encode_features
from chainpipe.hashing.retrieval.index import FaissFlat
from chainpipe.hashing.retrieval.packed_paths import PackedPaths
from chainpipe.hashing.retrieval.query import SHORTEST_ID, Query
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.options import BackboneOptions
from chainpipe.pipeline.records import VideoFeatures

from .problems import RequestProblem, bad_value
from .served_words import ServedWords
from .uploads import Upload

SCHEMA = 1
_HEX = frozenset("0123456789abcdef")


class ServedLibrary:
    """Answers queries to N videos; safe to call from several threads.

    Args:
        library: Codes and store.
        tools: Of the command.
        trust_weights: Whether pickled weights of the backbone may be read, for words.

    Attributes:
        library: Codes and store.
        store: The store.
        words: Answers to words.

    Raises:
        UsageError: If the store is not at hand.
    """

    def __init__(
        self,
        library: SearchedLibrary,
        tools: Tools,
        *,
        trust_weights: bool = BackboneOptions.trust_weights,
    ) -> None:
        if library.store is None:
            raise UsageError("a gallery needs the store", hint="name it: `chainpipe serve STORE`")
        self.library, self.store = library, library.store
        codes = library.codes
        facts = library_facts(library.store, library.folder, log=tools.log)
        index = FaissFlat(np.asarray(codes.packed), codes.bits)
        self._ready = ReadySearch(index, facts)
        self._check = knows_times(library.store)
        self._paths = PackedPaths.of(codes.paths)
        self._lock = threading.Lock()
        self._silent = Tools(tools.find, tools.features, tools.thumbnails, tools.progress, _nothing)
        self.words = ServedWords(library, self._silent, SCHEMA, trust_weights=trust_weights)
        _ = library.hasher  # loaded now, not by two first requests at once

    def __len__(self) -> int:
        return len(self.library.codes)

    def by_row(self, row: int) -> AskedVideo:
        """Return the query for a row.

        Raises:
            RequestProblem: If there is no such row.
        """
        if not 0 <= row < len(self):
            raise RequestProblem(404, "not_found", f"there is no row {row}")
        ids = self.library.codes.video_ids
        others = [one for one in self._rows_of(bytes(ids[row])) if one != row]
        name = os.fsdecode(self.library.codes.paths[row])
        return AskedVideo(Query(name, (row, *others), itself=row))

    def by_id(self, digits: str) -> AskedVideo:
        """Return the query for the video whose id begins so.

        Raises:
            RequestProblem: If no id does, or several do.
        """
        digits = digits.lower()
        if not SHORTEST_ID <= len(digits) <= 64 or set(digits) - _HEX:
            raise bad_value("id", digits[:80], f"{SHORTEST_ID} to 64 hexadecimal digits")
        whole = bytes.fromhex(digits[: len(digits) // 2 * 2])
        ids = self.library.codes.video_ids
        near = np.flatnonzero((ids[:, : len(whole)] == np.frombuffer(whole, np.uint8)).all(axis=1))
        rows = [row for row in near.tolist() if bytes(ids[row]).hex().startswith(digits)]
        if not rows:
            raise RequestProblem(404, "not_found", f"no video has an id that begins with {digits}")
        if len({bytes(ids[row]) for row in rows}) > 1:
            raise RequestProblem(400, "ambiguous", f"several ids begin with {digits}")
        return self.by_row(rows[0])

    def by_upload(self, upload: Upload) -> AskedVideo | None:
        """Return the query for a file that is in the library, or ``None`` if it has to be read."""
        rows = self._rows_of(upload.sha256)
        return AskedVideo(Query(upload.name, tuple(rows))) if rows else None

    def path_of(self, hex_id: str) -> str | None:
        """Return the path of a video, as the store has it; ``None`` if there is no such id."""
        rows = self._rows_of(bytes.fromhex(hex_id))
        return os.fsdecode(self.library.codes.paths[rows[0]]) if rows else None

    def id_of(self, path: str) -> str:
        """Return the id of a path, hexadecimal; empty if the store does not have it."""
        try:
            name = os.fsencode(path)
        except UnicodeEncodeError:  # half a surrogate pair, which no path can hold
            return ""
        with self._lock:
            row = self._paths.find(name)
        return "" if row is None else bytes(self.library.codes.video_ids[row]).hex()

    def search(self, asked: AskedVideo, k: int, distance: str | None) -> dict[str, Any]:
        """Return the answers to a query as the API gives them.

        Args:
            asked: The query.
            k: Number of answers.
            distance: One of ``DISTANCES``; ``rerank`` by default.

        Raises:
            RequestProblem: If the model or the file does not do for this distance.
        """
        name = distance or RERANK
        if name not in DISTANCES:
            raise bad_value("distance", name[:80], f"one of {', '.join(DISTANCES)}")
        plan = SearchPlan(name, k=k, check=self._check and name == RERANK)
        try:
            with self._lock:
                [found] = find_answers([asked], self.library, plan, self._silent, ready=self._ready)
        except UsageError as error:  # values of a model without, features that are NaN
            hint = f"take `distance={HAMMING}`"
            raise RequestProblem(422, "no_answer", str(error), hint=hint) from error
        codes = self.library.codes
        lines = list(to_json([found], codes, distance=name)) if found.near else []
        results = [
            {key: value for key, value in line.items() if key not in ("schema", "query")}
            for line in lines
        ]
        return {
            "schema": SCHEMA, "query": asked.query.text, "distance": name, "near": found.near,
            "results": results,
        }  # fmt: skip

    def code_of(self, asked: AskedVideo) -> dict[str, Any]:
        """Return the code of a query as the API gives it."""
        library = self.library
        if asked.video is None:
            packed = np.asarray(library.codes.packed[asked.row])
            number = bytes(library.codes.video_ids[asked.row])
        else:
            video = asked.video
            with self._lock:
                packed = encode_features(library.hasher, video.features[None], [video.path])[0]
            number = video.video_id
        return {
            "schema": SCHEMA, "query": asked.query.text, "id": number.hex(),
            "bits": library.codes.bits, "code": packed.tobytes().hex(),
            "model": library.facts.weights_sha256, "in_library": asked.video is None,
        }  # fmt: skip

    def _rows_of(self, video_id: bytes) -> list[int]:
        ids = self.library.codes.video_ids
        wanted = np.frombuffer(video_id, np.uint8)
        if len(wanted) != ids.shape[1]:
            return []
        near = np.flatnonzero((ids[:, :8] == wanted[:8]).all(axis=1))
        return [int(row) for row in near if np.array_equal(ids[row], wanted)]


def asked_upload(upload: Upload, video: VideoFeatures) -> AskedVideo:
    """Return the query for an upload that was read."""
    return AskedVideo(Query(upload.name, (), upload.path), video)


@contextmanager
def served_library(
    folder: Path,
    facts: ModelFacts,
    *,
    codes: Path | None,
    store: Path | None,
    tools: Tools,
    trust_weights: bool = BackboneOptions.trust_weights,
) -> Iterator[ServedLibrary]:
    """Open a library to serve it.

    Args:
        folder: Of the model.
        facts: Of the model.
        codes: A codes file; by default the model's own.
        store: The store; by default the one that the model was trained on.
        tools: Of the command.
        trust_weights: Whether pickled weights of the backbone may be read, for words.

    Raises:
        NotFoundError: If a file is not there.
        DamageError: If one is damaged.
        UsageError: If they do not belong together.
    """
    with searched_library(folder, facts, codes=codes, store=store, tools=tools) as library:
        yield ServedLibrary(library, tools, trust_weights=trust_weights)


def _nothing(line: str) -> None:
    """Print nothing."""
