"""Tables for people: scores and answers, coloured on a terminal and plain in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from hashing.retrieval.evaluate import CUTOFFS, Evaluation
from hashing.retrieval.names import shown

HEADS = {
    "map": "mAP@K",
    "map_min": "mAP@K, by min(K, R)",
    "map_tied": "mAP@K, tie-averaged",
    "precision": "precision@K",
    "recall": "recall@K",
}


def print_out(*what: RenderableType) -> None:
    """Print to stdout; in a pipe lines are as long as they are, so that nothing is cut."""
    width = None if sys.stdout.isatty() else 10_000
    console = Console(file=sys.stdout, width=width, highlight=False)
    for one in what:
        console.print(one)


def scores_table(evaluation: Evaluation) -> Table:
    """Draw every metric at every K."""
    queries, database = len(evaluation.protocol.queries), len(evaluation.protocol.database)
    title = f"{evaluation.method}, {evaluation.bits} bits: {queries} queries in {database} videos"
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False
    )
    table.add_column("")
    for k in CUTOFFS:
        table.add_column(f"@{k}", justify="right")
    for name, head in HEADS.items():
        style = "bold" if name == "map" else ""
        cells = [f"{evaluation.scores[name][k]:.4f}" for k in CUTOFFS]
        table.add_row(head, *cells, style=style)
    table.add_row("GMAP of mAP@K", f"{evaluation.gmap:.4f}")
    return table


def answers_table(title: str, rows: Sequence[tuple[int, int, bytes, Sequence[str]]]) -> Table:
    """Draw one query's answers.

    Args:
        title: What was asked.
        rows: Rank, Hamming distance, path and label names of each answer.
    """
    table = Table(
        title=Text(title),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("rank", justify="right")
    table.add_column("distance", justify="right")
    table.add_column("path", overflow="fold")
    labelled = any(labels for *_, labels in rows)
    if labelled:
        table.add_column("labels", overflow="fold")
    for rank, distance, path, labels in rows:
        names = [Text(shown("; ".join(labels)))] if labelled else []
        table.add_row(str(rank), str(distance), Text(shown(path)), *names)
    return table
