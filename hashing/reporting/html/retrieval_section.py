"""Section "retrieval": scores under their protocol, and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainpipe.pipeline.console import counted, printable

from ...evaluation.curves import Curve
from ...evaluation.evaluate import CUTOFFS, Evaluation
from ...evaluation.published import published
from ..tables import HEADS as METRICS
from ..tables import distance_words, published_notes
from .blocks import Block, ChartGrid, LegendEntry, ReportNotes, ReportSection, ReportTable
from .line_chart import ChartLine, line_chart
from .reported_model import ReportedModel

SHOWN = (
    *(("map", 5), ("map", 20), ("map", 100), ("map_min", 20), ("map_tied", 20)),
    *(("precision", 20), ("recall", 100)),
)
COLUMNS = (
    *("mAP@5", "mAP@20", "mAP@100", "mAP@20 by min(K, R)", "mAP@20 tie-averaged"),
    *("precision@20", "recall@100"),
)
Named = Sequence[tuple[int, ReportedModel, Evaluation]]  # number of the model in the report first


def retrieval_section(models: Sequence[ReportedModel]) -> ReportSection:
    """Return the section: models under one protocol on one store share a table and its curves.

    Args:
        models: At least one.
    """
    blocks: list[Block] = []
    for group in _groups(models):
        blocks += _group(group)
    blocks += [table for model in models if (table := _kept(model))]
    if not blocks:
        line = "Nothing was measured: a labelled store is needed (`chainpipe eval`)."
        blocks = [ReportNotes("", [line])]
    return ReportSection("retrieval", "Retrieval", blocks)


def _groups(models: Sequence[ReportedModel]) -> list[Named]:
    found: dict[str, list[tuple[int, ReportedModel, Evaluation]]] = {}
    for number, model in enumerate(models):
        for one in model.evaluations:
            protocol = one.protocol
            sizes = len(protocol.queries), len(protocol.database)
            key = repr((model.store, protocol.facts(), sizes, one.distance.name))
            found.setdefault(key, []).append((number, model, one))
    return list(found.values())


def _group(group: Named) -> list[Block]:
    _, model, first = group[0]
    protocol = first.protocol
    sizes = f"{counted(len(protocol.queries), 'query')} in {len(protocol.database)} videos"
    itself = ", itself kept" if protocol.keeps_itself else ""
    title = f"{printable(model.store)}, {protocol.name}: {sizes}{itself}{distance_words(first)}"
    heads = ["", "bits", *COLUMNS, "precision, radius 2", "GMAP"]
    rows = [_row(one, found) for _, one, found in group]
    blocks: list[Block] = [
        ReportTable(title, heads, rows),
        ReportNotes("Protocol", first.sentences()),
        ChartGrid(
            "mAP and precision-recall curves",
            _charts(group),
            [LegendEntry(one.label, number) for number, one, _ in group],
            "Curves by rank average over the orders of equal distances.",
        ),
    ]
    blocks += [_every(one, found) for _, one, found in group]
    return [*blocks, *_published(group)]


def _row(model: ReportedModel, found: Evaluation) -> list[str]:
    cells = [f"{found.scores[metric][k]:.4f}" for metric, k in SHOWN]
    within = found.precision_radius_2
    last = ["" if within is None else f"{within:.4f}", f"{found.gmap:.4f}"]
    return [f"{model.name} ({model.facts.method})", str(found.bits), *cells, *last]


def _charts(group: Named) -> list[Any]:
    scores = [
        ChartLine(model.name, CUTOFFS, [found.scores["map"][k] for k in CUTOFFS], number)
        for number, model, found in group
    ]
    charts = [line_chart("mAP@K", scores, x_label="K", y_label="mAP", zero=True)]
    radius = [_curve(n, model, one.pr_radius) for n, model, one in group if one.pr_radius]
    rank = [_curve(n, model, one.pr_rank) for n, model, one in group]
    curves = (("by Hamming radius 0, 1, 2, ...", radius), ("by rank, 1 to the last", rank))
    for title, lines in curves:
        if lines:
            named = f"precision over recall {title}"
            chart = line_chart(named, lines, x_label="recall", y_label="precision", unit=True)
            charts.append(chart)
    return charts


def _curve(number: int, model: ReportedModel, curve: Curve) -> ChartLine:
    seen = curve.answered > 0  # a cut without any answer has no precision
    recall, precision = curve.recall[seen].tolist(), curve.precision[seen].tolist()
    return ChartLine(model.name, recall, precision, number)


def _every(model: ReportedModel, found: Evaluation) -> ReportTable:
    heads = ["", *(f"@{k}" for k in CUTOFFS)]
    rows = [
        [head, *(f"{found.scores[name][k]:.4f}" for k in CUTOFFS)] for name, head in METRICS.items()
    ]
    return ReportTable(f"All scores of {model.label}", heads, rows, folded=True)


def _published(group: Named) -> list[Block]:
    """Return published results of the same benchmark and lengths, with the doubts about them."""
    blocks: list[Block] = []
    name = group[0][2].protocol.name
    for bits in sorted({found.bits for _, _, found in group}):
        if peers := published(name, bits=bits):
            rows = [
                [p.method, *(f"{p.map[k]:.3f}" for k in CUTOFFS), f"{p.gmap:.3f}"]
                for p in sorted(peers, key=lambda peer: peer.gmap)
            ]
            heads = ["", *(f"@{k}" for k in CUTOFFS), "GMAP"]
            blocks.append(ReportTable(f"Published mAP@K, {name}, {bits} bits", heads, rows))
            blocks.append(ReportNotes("", published_notes(peers)))
    return blocks


def _kept(model: ReportedModel) -> ReportTable | None:
    """Return the scores that a model's folder keeps, where nothing was measured now."""
    if model.evaluations or not model.measured:
        return None
    rows = [_kept_row(entry) for entry in model.measured]
    heads = ["store", "measured", "protocol", "queries", "database", "mAP@5", "mAP@20", "mAP@100"]
    return ReportTable(f"Measured before, of {model.label}", heads, rows)


def _kept_row(entry: Mapping[str, Any]) -> list[str]:
    head = [printable(Path(entry["store"]).name), entry["date"][:10], entry["protocol"]["name"]]
    sizes = [str(entry["queries"]), str(entry["database"])]
    return [*head, *sizes, *(f"{entry['map'][k]:.4f}" for k in ("5", "20", "100"))]
