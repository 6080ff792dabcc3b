"""An experiment as a page of Markdown: the question, the protocol, a table a store and length."""

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
PARTS = {WHOLE: "", "listed": ", the listed classes among themselves", "rest": ", the other ones"}


def report_of(
    plan: ExperimentPlan,
    grounds: Sequence[StoreCheck],
    records: Sequence[RunResult],
    lines: Sequence[SummaryLine],
    *,
    seeds: int,
) -> str:
    """Return the page.

    Args:
        plan: What was asked.
        grounds: The stores.
        records: All runs.
        lines: Their means.
        seeds: How many runs a row has.
    """
    text = [f"# Experiment: {plan.name}", "", plan.about, "", "![mAP@20](picture.png)", ""]
    text += _protocol(grounds, records, seeds)
    for store, bits, part in dict.fromkeys((line.store, line.bits, line.part) for line in lines):
        mine = [x for x in lines if (x.store, x.bits, x.part) == (store, bits, part)]
        text += ["", f"## {store}, {bits} bits{PARTS[part]}", "", *_table(mine, plan.reference)]
    return "\n".join(text) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        StorageError: If the disk says no.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _protocol(grounds: Sequence[StoreCheck], records: Sequence[RunResult], seeds: int) -> list[str]:
    """Say who asks, what is counted, and what was run."""
    text = []
    for ground in grounds:
        text.append(f"- `{ground.name}`: trained on {ground.trained}. {' '.join(ground.sentences)}")
    text.append(f"- Each figure is the mean of {seeds} seeds ± half its 95 % interval (Student).")
    text.append("- AP@K is divided by K, or by min(K, R) where it says so; equal distances are")
    text.append("  ordered by row, or averaged over all orders where it says so.")
    text.append("- CPU: seconds of one training on one thread, everything from reading the store.")
    versions = ", ".join(sorted({record.version for record in records}))
    text.append(f"- chainpipe {versions}, code {', '.join(codes_of(records))}.")
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
    """Return mAP@20 as a share of the reference's."""
    if base is None or not base.scores["map", "20"].mean:
        return ""
    return f"{line.scores['map', '20'].mean / base.scores['map', '20'].mean:.2f}x"
