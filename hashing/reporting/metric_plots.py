"""The picture of an evaluation: mAP over K, and precision over recall in two ways. Drawing only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import counted
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from ..evaluation.curves import Curve
from ..evaluation.evaluate import CUTOFFS, Evaluation
from ..evaluation.published import PublishedResult

_INK, _SECOND, _GRID, _PEER, _FAINT = "#1f3a5f", "#d1495b", "#d9dee5", "#6b7785", "#c3cad2"


def draw_scores(evaluation: Evaluation, *, peers: Sequence[PublishedResult] = ()) -> bytes:
    """Return a PNG of three panels.

    Args:
        evaluation: What was measured here.
        peers: Published rows of the same benchmark and number of bits.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.6, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    protocol = evaluation.protocol
    who = f"{counted(len(protocol.queries), 'query')} in {counted(len(protocol.database), 'video')}"
    figure.suptitle(
        f"{evaluation.method}, {evaluation.bits} bits · {protocol.name}, {who}", fontsize=11
    )
    left, middle, right = figure.subplots(1, 3)
    _draw_map(left, evaluation, peers)
    _draw_curve(middle, evaluation.pr_radius, "Hamming radius 0, 1, 2, ...", near=True)
    _draw_curve(right, evaluation.pr_rank, "rank 1 to the last, ties averaged")
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def write_scores(
    path: Path, evaluation: Evaluation, *, peers: Sequence[PublishedResult] = ()
) -> None:
    """Write the picture; the file appears whole or not at all.

    Raises:
        StorageError: If the disk says no.
    """
    content = draw_scores(evaluation, peers=peers)
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(content)


def _draw_map(axes: Any, evaluation: Evaluation, peers: Sequence[PublishedResult]) -> None:
    ranked = sorted(peers, key=lambda peer: peer.gmap)
    for peer in ranked:
        colour = _PEER if peer is ranked[-1] else _FAINT
        values = [peer.map[k] for k in CUTOFFS]
        axes.plot(CUTOFFS, values, color=colour, linewidth=1)
    if ranked:
        axes.plot([], [], color=_PEER, label=f"published, the best: {ranked[-1].method}")
        axes.plot([], [], color=_FAINT, label=f"published, {len(ranked) - 1} others")
    lines = [("map", _INK, "-", "divided by K"), ("map_tied", _INK, ":", "ties averaged")]
    for name, colour, style, words in [*lines, ("map_min", _SECOND, "-", "by min(K, R)")]:
        values = [evaluation.scores[name][k] for k in CUTOFFS]
        axes.plot(CUTOFFS, values, style, color=colour, marker=".", label=f"measured, {words}")
    _dress(axes, "mAP@K", "K", "mAP")
    axes.set_xticks(CUTOFFS)
    axes.legend(fontsize=7, frameon=False)


def _draw_curve(axes: Any, curve: Curve, title: str, *, near: bool = False) -> None:
    seen = curve.answered > 0
    axes.plot(curve.recall[seen], curve.precision[seen], color=_INK, marker=".", label="all")
    if near:  # the convention that a query without an answer counts 0 bends the left end down
        answered = curve.precision[seen] / curve.answered[seen]
        words = "queries with an answer only"
        axes.plot(curve.recall[seen], answered, ":", color=_SECOND, label=words)
        axes.lines[0].set_label("all queries, no answer counts 0")
        axes.legend(fontsize=7, frameon=False)
    axes.set_xlim(-0.02, 1.02)
    _dress(axes, title, "recall", "precision")


def _dress(axes: Any, title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.set_ylim(bottom=0)
    axes.grid(color=_GRID)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
