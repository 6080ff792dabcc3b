"""Tables of scores and answers: coloured on a terminal, plain text in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from chainpipe.pipeline.console import counted, printable

from ..evaluation.distances import HAMMING
from ..evaluation.evaluate import CUTOFFS, Evaluation
from ..evaluation.protocol import Protocol
from ..evaluation.published import PublishedResult

HEADS = {
    "map": "mAP@K",
    "map_min": "mAP@K, by min(K, R)",
    "map_tied": "mAP@K, tie-averaged",
    "precision": "precision@K",
    "recall": "recall@K",
}


def print_out(*what: RenderableType) -> None:
    """Print to stdout; in a pipe, lines are as long as they need to be, or as ``COLUMNS`` says."""
    asked = os.environ.get("COLUMNS", "")
    piped = int(asked) if asked.isdecimal() and int(asked) else 10_000
    console = Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else piped, highlight=False
    )
    for one in what:
        console.print(one)


def scores_table(evaluation: Evaluation) -> Table:
    """Return a table of every metric at every K."""
    who = _queries_in_database(evaluation.protocol)
    by = distance_words(evaluation)
    table = _by_cutoff(f"{evaluation.method}, {counted(evaluation.bits, 'bit')}{by}: {who}")
    for name, head in HEADS.items():
        style = "bold" if name == "map" else ""
        cells = [f"{evaluation.scores[name][k]:.4f}" for k in CUTOFFS]
        table.add_row(head, *cells, style=style)
    table.add_row("GMAP of mAP@K", f"{evaluation.gmap:.4f}")
    if evaluation.precision_radius_2 is not None:
        table.add_row("precision within radius 2", f"{evaluation.precision_radius_2:.4f}")
    return table


def published_table(evaluation: Evaluation, peers: Sequence[PublishedResult]) -> Table:
    """Return a table of mAP@K below published results, best last.

    Args:
        evaluation: Scores of one model.
        peers: Published results of the same benchmark and code length.
    """
    table = _by_cutoff(f"mAP@K, {evaluation.bits} bits, {evaluation.protocol.name}")
    table.add_column("GMAP", justify="right")
    table.add_column("", no_wrap=True)
    for peer in sorted(peers, key=lambda peer: peer.gmap):
        cells = [f"{peer.map[k]:.3f}" for k in CUTOFFS]
        table.add_row(peer.method, *cells, f"{peer.gmap:.3f}", "published")
    cells = [f"{evaluation.scores['map'][k]:.3f}" for k in CUTOFFS]
    gmap = f"{evaluation.gmap:.3f}"
    here = f"measured here{distance_words(evaluation)}"
    table.add_row(evaluation.method, *cells, gmap, here, style="bold")
    return table


def comparison_table(evaluations: Sequence[tuple[str, Evaluation]]) -> Table:
    """Return a table of mAP@K and GMAP, a line for each model.

    Args:
        evaluations: Label and evaluation of each model, all under one protocol.
    """
    first = evaluations[0][1]
    by = distance_words(first)
    table = _by_cutoff(f"mAP@K{by}: {_queries_in_database(first.protocol)}")
    table.add_column("GMAP", justify="right")
    for label, found in evaluations:
        cells = [f"{found.scores['map'][k]:.4f}" for k in CUTOFFS]
        table.add_row(Text(printable(label)), *cells, f"{found.gmap:.4f}")
    return table


def distance_words(evaluation: Evaluation) -> str:
    """Return the distance for a title, such as ``, asymmetric``; nothing for Hamming distance."""
    name = evaluation.distance.name
    return "" if name == HAMMING else f", {name}"


def _queries_in_database(protocol: Protocol) -> str:
    """Return the sizes of a protocol, such as ``9 queries in 9 videos, itself removed``."""
    queries = counted(len(protocol.queries), "query")
    database = counted(len(protocol.database), "video")
    if protocol.asking != protocol.searched:
        return f"{queries} in {database}"
    return f"{queries} in {database}, itself {'kept' if protocol.keeps_itself else 'removed'}"


def published_notes(peers: Sequence[PublishedResult]) -> list[str]:
    """Return the sources of published results and the doubts about them, one line each."""
    sources = dict.fromkeys(peer.source for peer in peers)
    lines = [
        f"Published rows of {', '.join(_named(peers, source))}: {source}." for source in sources
    ]
    doubts = [
        (peer.method, doubt)
        for peer in peers
        for doubt in (peer.note, peer.invalid_reason)
        if doubt
    ]
    return lines + [f"{method}: {doubt}." for method, doubt in doubts]


def _named(peers: Sequence[PublishedResult], source: str) -> list[str]:
    return [peer.method for peer in peers if peer.source == source]


def _by_cutoff(title: str) -> Table:
    """Return an empty table with a column for each K."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column("")
    for k in CUTOFFS:
        table.add_column(f"@{k}", justify="right")
    return table


def answers_table(rows: Sequence[tuple[int, str, str, str, bytes, Sequence[str]]]) -> Table:
    """Return a table of one query's answers.

    Args:
        rows: Rank, distance, similarity, word, path and label names of each answer.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("rank", "distance", "similarity"):
        table.add_column(name, justify="right")
    table.add_column("answer", no_wrap=True)
    table.add_column("path", overflow="fold")
    labelled = any(labels for *_, labels in rows)
    if labelled:
        table.add_column("labels", overflow="fold")
    for rank, distance, alike, word, path, labels in rows:
        names = [Text(printable("; ".join(labels)))] if labelled else []
        table.add_row(str(rank), distance, alike, word, Text(printable(path)), *names)
    return table


def text_answers_table(rows: Sequence[tuple[str, str, str, str, bytes, Sequence[str]]]) -> Table:
    """Return a table of the answers to one text.

    Args:
        rows: Rank, distance, similarity, moment, path and label names of each answer.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("rank", "distance", "similarity", "at"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("path", overflow="fold")
    labelled = any(labels for *_, labels in rows)
    if labelled:
        table.add_column("labels", overflow="fold")
    for *numbers, path, labels in rows:
        names = [Text(printable("; ".join(labels)))] if labelled else []
        table.add_row(*numbers, Text(printable(path)), *names)
    return table
