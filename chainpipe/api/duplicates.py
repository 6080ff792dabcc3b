"""Duplicates in Python: copies, parts and blank videos of a store."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from chainpipe.hashing.duplicates.decisions import read_decisions
from chainpipe.hashing.duplicates.find import DuplicateSearch, find_copies
from chainpipe.hashing.duplicates.gates import Gates, LengthDifference
from chainpipe.hashing.duplicates.keep import DEFAULT_RULES, parse_rules
from chainpipe.hashing.duplicates.lines import (
    apart_facts,
    group_facts,
    pair_facts,
    write_csv,
    write_list,
)
from chainpipe.hashing.duplicates.recheck import PixelRecheck
from chainpipe.hashing.duplicates.report import DuplicateReport
from chainpipe.hashing.duplicates.shell_script import CopyAction, write_script
from chainpipe.hashing.retrieval.bitpack import U8
from chainpipe.hashing.retrieval.codes import Codes
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.options import available_cpus

from .store import Store, reading

Facts = dict[str, Any]


class Duplicates:
    """What :func:`find_duplicates` found; each entry has the keys of ``chainpipe dedup --json``."""

    def __init__(self, report: DuplicateReport) -> None:
        self._report = report

    @property
    def pairs(self) -> list[Facts]:
        """Each pair with its answer, exact copies first, then the surest."""
        return [pair_facts(self._report, pair) for pair in self._report.pairs]

    @property
    def groups(self) -> list[Facts]:
        """Each group of copies: the path to ``keep``, the ``reason``, and its ``videos``."""
        return [group_facts(self._report, group) for group in self._report.groups]

    @property
    def blank(self) -> list[Facts]:
        """Each video without information, which was compared with no other."""
        return [apart_facts(self._report, apart) for apart in self._report.apart]

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table of all pairs.

        Raises:
            StorageError: If it cannot be written.
        """
        write_csv(Path(path), self._report)

    def write_list(self, path: str | os.PathLike[str]) -> None:
        """Write the full path of each copy that may go, one a line.

        Raises:
            StorageError: If it cannot be written.
        """
        write_list(Path(path), self._report)

    def write_script(self, path: str | os.PathLike[str], *, action: str = "trash") -> None:
        """Write a shell script to read and to run; nothing is deleted here.

        Args:
            path: The script.
            action: What it does with each copy: ``trash``, ``hardlink``, ``reflink``, ``remove``.

        Raises:
            UsageError: If there is no such action, or the store is not of files.
            StorageError: If it cannot be written.
        """
        words = [one.value for one in CopyAction]
        if action not in words:
            raise UsageError(f"there is no action `{action}`", hint=f"one of {', '.join(words)}")
        store = self._report.videos.stores[0].path
        write_script(Path(path), self._report.planned(), CopyAction(action), store=store)

    def __repr__(self) -> str:
        report = self._report
        counts = len(report.pairs), len(report.groups), len(report.apart)
        return "Duplicates({} pairs, {} groups, {} blank)".format(*counts)


def find_duplicates(
    store: Store | str | os.PathLike[str],
    *,
    against: Store | str | os.PathLike[str] | None = None,
    codes: Codes | None = None,
    against_codes: Codes | None = None,
    recheck: bool = False,
    keep: str = DEFAULT_RULES,
    min_overlap: float = 0.0,
    min_seconds: float = 0.0,
    max_length_difference: str | None = None,
    decisions: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    seed: int = 0,
) -> Duplicates:
    """Find the copies in a store, parts of longer videos, and videos without information.

    Args:
        store: The store, or its path.
        against: Another store: which videos of ``store`` has it already?
        codes: Codes of all videos of ``store``, which give the candidates; by default mean features
            do.
        against_codes: Codes of the other store.
        recheck: Whether to decode likely pairs again and to compare what moves in their pixels.
        keep: Rules that choose which of several copies to keep, in order: ``whole``,
            ``resolution``, ``bitrate``, ``length``, ``fps``, ``largest``, ``smallest``, ``oldest``,
            ``newest``, ``name``, ``path:GLOB``.
        min_overlap: Percent of the shorter video that both must show.
        min_seconds: Seconds that both must show.
        max_length_difference: How much lengths may differ: ``"10%"`` of the longer, or ``"5s"``.
        decisions: File of decisions of people about pairs; none by default.
        workers: Processes that compare, and videos decoded at a time; by default one per core.
        seed: Random seed of the samples that thresholds are fitted on.

    Raises:
        UsageError: If a value is wrong, features are NaN, codes are not those of the store, or the
            two stores have features of different kinds.
        NotFoundError: If there is no such store.
        DamageError: If a store is damaged.

    Example:
        >>> import chainpipe, numpy as np
        >>> clips = np.random.default_rng(0).normal(size=(12, 9, 16)).astype("f4")
        >>> clips[7] = clips[2]
        >>> found = chainpipe.find_duplicates(chainpipe.store_from_arrays(clips))
        >>> found, [(pair["a"], pair["b"], pair["exact"]) for pair in found.pairs]
        (Duplicates(1 pairs, 1 groups, 0 blank), [('2', '7', True)])
    """
    limit = None if max_length_difference is None else LengthDifference.parse(max_length_difference)
    threads = workers or available_cpus()
    with ExitStack() as stack:
        opened = stack.enter_context(reading(store))
        other = None if against is None else stack.enter_context(reading(against))
        search = DuplicateSearch(
            gates=Gates(min_overlap, min_seconds, limit),
            rules=parse_rules(keep),
            decisions=read_decisions(Path(decisions) if decisions is not None else None),
            recheck=_recheck(threads) if recheck else None,
            workers=threads,
            seed=seed,
        )
        sizes = [(codes, opened.shape[0])]
        sizes += [] if other is None else [(against_codes, other.shape[0])]
        report = find_copies(opened, search, against=other, codes=_packed(sizes))
    return Duplicates(report)


def _recheck(workers: int) -> PixelRecheck:
    from chainpipe.pipeline.extraction.single_videos import sampled_frames

    return PixelRecheck(
        lambda paths, frames, size: sampled_frames(paths, frames, size, workers=workers)
    )


def _packed(given: list[tuple[Codes | None, int]]) -> U8 | None:
    """Return the codes of one or two stores one after another; ``None`` without codes."""
    if all(codes is None for codes, _ in given):
        return None
    found = []
    for codes, rows in given:
        if codes is None or len(codes) != rows:
            has = "none" if codes is None else len(codes)
            raise UsageError(
                f"{has} codes for a store of {rows} videos", hint="encode the same store"
            )
        found.append(np.asarray(codes.packed))
    if len({codes.bits for codes, _ in given if codes is not None}) > 1:
        raise UsageError("the codes of the two stores differ in length", hint="use one model")
    return np.concatenate(found)
