"""Plot of one evaluation: mAP@K, and precision over recall by Hamming radius and by rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainpipe.pipeline.console import counted

from ..evaluation.curves import Curve
from ..evaluation.evaluate import CUTOFFS, Evaluation
from ..evaluation.published import PublishedResult
from .figures import format_axes, new_figure, png_bytes
from .tables import distance_words

INK, SECOND, PUBLISHED, FAINT = "#1f3a5f", "#d1495b", "#6b7785", "#c3cad2"


def draw_scores(evaluation: Evaluation, *, peers: Sequence[PublishedResult] = ()) -> bytes:
    """Draw three panels as PNG, two if there is no curve by Hamming radius.

    Args:
        evaluation: Scores and curves of one model.
        peers: Published results of the same benchmark and code length.
    """
    by_radius = evaluation.pr_radius
    panels = 2 if by_radius is None else 3
    figure = new_figure(4.2 * panels, 4.2)
    protocol = evaluation.protocol
    who = f"{counted(len(protocol.queries), 'query')} in {counted(len(protocol.database), 'video')}"
    figure.suptitle(
        f"{evaluation.method}, {evaluation.bits} bits{distance_words(evaluation)} · "
        f"{protocol.name}, {who}",
        fontsize=11,
    )
    first, *middle, last = figure.subplots(1, panels)
    _draw_map(first, evaluation, peers)
    if by_radius is not None:
        _draw_curve(middle[0], by_radius, "Hamming radius 0, 1, 2, ...", near=True)
    _draw_curve(last, evaluation.pr_rank, "rank 1 to the last, ties averaged")
    return png_bytes(figure)


def _draw_map(axes: Any, evaluation: Evaluation, peers: Sequence[PublishedResult]) -> None:
    ranked = sorted(peers, key=lambda peer: peer.gmap)
    for peer in ranked:
        colour = PUBLISHED if peer is ranked[-1] else FAINT
        values = [peer.map[k] for k in CUTOFFS]
        axes.plot(CUTOFFS, values, color=colour, linewidth=1)
    if ranked:
        axes.plot([], [], color=PUBLISHED, label=f"published, the best: {ranked[-1].method}")
        axes.plot([], [], color=FAINT, label=f"published, {len(ranked) - 1} others")
    lines = [("map", INK, "-", "divided by K"), ("map_tied", INK, ":", "ties averaged")]
    for name, colour, style, words in [*lines, ("map_min", SECOND, "-", "by min(K, R)")]:
        values = [evaluation.scores[name][k] for k in CUTOFFS]
        axes.plot(CUTOFFS, values, style, color=colour, marker=".", label=f"measured, {words}")
    format_axes(axes, title="mAP@K", x_label="K", y_label="mAP")
    axes.set_xticks(CUTOFFS)
    axes.legend(fontsize=7, frameon=False)


def _draw_curve(axes: Any, curve: Curve, title: str, *, near: bool = False) -> None:
    seen = curve.answered > 0
    axes.plot(curve.recall[seen], curve.precision[seen], color=INK, marker=".", label="all")
    if near:  # counting queries without an answer as 0 bends the left end of the curve down
        answered = curve.precision[seen] / curve.answered[seen]
        words = "queries with an answer only"
        axes.plot(curve.recall[seen], answered, ":", color=SECOND, label=words)
        axes.lines[0].set_label("all queries, no answer counts 0")
        axes.legend(fontsize=7, frameon=False)
    axes.set_xlim(-0.02, 1.02)
    format_axes(axes, title=title, x_label="recall", y_label="precision")
