"""Results of runs: a line of a CSV for each question, scores of each query in an npz beside it."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
from real_scores import QueryScores

from chainpipe.hashing.experiments.result import code_digest

COSINE = "cosine"
TABLE, QUERIES = "real-world.csv", "queries"
SCORES = ("map20", "map20_min", "first", "first_tied")
COLUMNS = (
    *("row", "set", "question", "bits", "seed", "queries", *SCORES),
    *("cpu", "epochs", "videos", "made", "code", "note", "validation"),
)
Key = tuple[str, str, int, int]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one run found.

    Attributes:
        row: Name of the row.
        set: Name of the set.
        bits: Code length K; 0 for cosine.
        seed: Of the training.
        made: Method and changed settings.
        cpu: CPU seconds of the training.
        epochs: Trained.
        videos: Training videos.
        note: Why the codes are those of the start, if they are.
        validation: Label-free metrics of the held-out videos at the end, and ``start ...`` before.
        scores: Of each query, by question.
        groups: Of each query, by question.
    """

    row: str
    set: str
    bits: int
    seed: int
    made: dict[str, object]
    cpu: float
    epochs: int
    videos: int
    note: str
    validation: dict[str, float]
    scores: dict[str, QueryScores]
    groups: dict[str, tuple[str, ...]]

    @property
    def key(self) -> Key:
        """What a run is found by."""
        return (self.row, self.set, self.bits, self.seed)


def queries_file(folder: Path, key: Key) -> Path:
    """Return the file of a run's queries; a row's name may hold what no file's name may."""
    row, name, bits, seed = key
    short = hashlib.sha256(row.encode()).hexdigest()[:10]
    return folder / QUERIES / f"{short}-{name}-{bits}-{seed}.npz"


def save_result(folder: Path, result: Result) -> None:
    """Write the queries, then append the lines: a run with lines is whole."""
    path = queries_file(folder, result.key)
    path.parent.mkdir(exist_ok=True)
    arrays = {
        f"{name}/{score}": getattr(scores, score)
        for name, scores in result.scores.items()
        for score in SCORES
    }
    arrays |= {f"{name}/groups": np.array(found) for name, found in result.groups.items()}
    np.savez_compressed(path, **arrays)
    with _locked(folder / TABLE) as file:
        table = csv.writer(file, lineterminator="\n")
        if not file.tell():
            table.writerow(COLUMNS)
        table.writerows(_lines(result))


def _lines(result: Result) -> Iterator[list[str]]:
    made, code = json.dumps(result.made, sort_keys=True), code_digest()
    for name, scores in result.scores.items():
        means = [f"{getattr(scores, score).mean():.5f}" for score in SCORES]
        who = [result.row, result.set, name, str(result.bits), str(result.seed)]
        cost = [f"{result.cpu:.1f}", str(result.epochs), str(result.videos)]
        validation = json.dumps(result.validation, sort_keys=True)
        yield [*who, str(len(scores.first)), *means, *cost, made, code, result.note, validation]


@contextmanager
def _locked(path: Path) -> Iterator[TextIO]:
    """Open the table for appending while no other process does."""
    with path.open("a", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0, 2)
        yield file


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


class Results:
    """All finished runs of a folder.

    Args:
        folder: Where the table is; it may be missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_key: dict[Key, dict[str, dict[str, str]]] = {}
        for line in _read(folder / TABLE):
            key = (line["row"], line["set"], int(line["bits"]), int(line["seed"]))
            self._by_key.setdefault(key, {})[line["question"]] = line

    @property
    def lines(self) -> list[dict[str, str]]:
        """The lines of the table; of runs that were made again only the last."""
        return [line for lines in self._by_key.values() for line in lines.values()]

    def __contains__(self, key: Key) -> bool:
        return key in self._by_key

    def made(self, key: Key) -> dict[str, object]:
        """Return method and settings of a finished run."""
        made: dict[str, object] = json.loads(self._first(key)["made"])
        return made

    def is_current(self, key: Key) -> bool:
        """Return whether a finished run was made by the code of now."""
        return self._first(key)["code"] == code_digest()

    def _first(self, key: Key) -> dict[str, str]:
        return next(iter(self._by_key[key].values()))

    def rows(self) -> list[str]:
        """Return the names of all rows in the order of their first lines."""
        return list(dict.fromkeys(line["row"] for line in self.lines))

    def seeds(self, row: str, name: str, bits: int) -> list[int]:
        """Return the seeds of a row on a set, ascending."""
        return sorted(key[3] for key in self._by_key if key[:3] == (row, name, bits))

    def values(self, row: str, name: str, bits: int, column: str, question: str) -> list[float]:
        """Return a column of the table, one value a seed."""
        found = (self._by_key[row, name, bits, seed] for seed in self.seeds(row, name, bits))
        return [float(lines[question][column]) for lines in found if question in lines]

    def notes(self, row: str, name: str, bits: int) -> list[str]:
        """Return why seeds of a row kept the start."""
        keys = [(row, name, bits, seed) for seed in self.seeds(row, name, bits)]
        return [note for key in keys if (note := self._first(key)["note"])]

    def queries(self, key: Key, question: str, score: str) -> np.ndarray:
        """Return a score of each query, or their ``groups``, (Q,)."""
        with np.load(queries_file(self._folder, key)) as found:
            array: np.ndarray = found[f"{question}/{score}"]
            return array
