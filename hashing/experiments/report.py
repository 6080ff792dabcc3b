"""Markdown report of an experiment: question, protocol, and a table for each store and K."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .class_split import WHOLE
from .plan import ExperimentPlan
from .result import RunResult, codes_of
from .store_check import StoreCheck
from .summary import SummaryLine

SHOWN = (("map", "5"), ("map", "20"), ("map_min", "20"), ("map_tied", "20"))
HEADS = ("mAP@5", "mAP@20", "mAP@20 by min(K, R)", "mAP@20 tie-averaged")
PARTS = {WHOLE: "", "listed": ", the listed classes only", "rest": ", the other classes"}


def report_of(
    plan: ExperimentPlan,
    checks: Sequence[StoreCheck],
    results: Sequence[RunResult],
    lines: Sequence[SummaryLine],
    *,
    seeds: int,
) -> str:
    """Format the report.

    Args:
        plan: The experiment.
        checks: Its stores.
        results: Results of all runs.
        lines: Their means over seeds.
        seeds: Number of seeds.
    """
    text = [f"# Experiment: {plan.name}", "", plan.about, "", "![mAP@20](picture.png)", ""]
    text += ["![precision over recall](pr_curves.png)", ""]
    text += _protocol(checks, results, seeds)
    for store, bits, part in dict.fromkeys((line.store, line.bits, line.part) for line in lines):
        mine = [x for x in lines if (x.store, x.bits, x.part) == (store, bits, part)]
        text += ["", f"## {store}, {bits} bits{PARTS[part]}", "", *_table(mine, plan.reference)]
    return "\n".join(text) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _protocol(checks: Sequence[StoreCheck], results: Sequence[RunResult], seeds: int) -> list[str]:
    """Describe queries, database, metrics and version, one list item each."""
    text = []
    for one in checks:
        text.append(f"- `{one.name}`: trained on {one.trained}. {' '.join(one.sentences)}")
    text.append(f"- Each figure is the mean of {seeds} seeds ± half its 95 % interval (Student).")
    text.append("- AP@K is divided by K, or by min(K, R) in the columns named so.")
    text.append("- Ties are ordered by row, or averaged over all orders in the columns named so.")
    text.append("- CPU s: CPU seconds of one training on one thread, reading the store included.")
    versions = ", ".join(sorted({result.version for result in results}))
    text.append(f"- chainpipe {versions}, code {', '.join(codes_of(results))}.")
    return text


def _table(lines: Sequence[SummaryLine], reference: str) -> list[str]:
    base = next((line for line in lines if line.row == reference), None)
    text = [f"| row | {' | '.join(HEADS)} | to `{reference}` | CPU s | parameters |"]
    text.append("|---|" + "---:|" * (len(HEADS) + 3))
    for line in lines:
        cells = [str(line.scores[name]) for name in SHOWN]
        cpu = "" if line.cpu is None else f"{line.cpu.mean:.0f}"
        cells += [_ratio(line, base), cpu, f"{line.parameters:,}"]
        text.append(f"| {line.row} | {' | '.join(cells)} |")
    return text


def _ratio(line: SummaryLine, base: SummaryLine | None) -> str:
    """Return mAP@20 divided by that of the reference."""
    if base is None or not base.scores["map", "20"].mean:
        return ""
    return f"{line.scores['map', '20'].mean / base.scores['map', '20'].mean:.2f}x"
