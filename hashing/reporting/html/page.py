"""The report as one HTML page: no script, no other file, nothing from the network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chainpipe.distribution import installed_version
from chainpipe.pipeline.console import counted
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

from .blocks import ReportNotes, ReportSection, ReportTable
from .experiment_section import experiments_section, new_content_section
from .health_section import health_section
from .reported_model import ReportedModel
from .retrieval_section import retrieval_section
from .run_section import ABSENT, run_section
from .training_section import found_signatures, has_validation, training_section

if TYPE_CHECKING:
    from ...experiments.results_folder import FinishedExperiment

TEMPLATES = Path(__file__).with_name("templates")
STYLES = 8  # colours; further lines are dotted in the same ones
GENERATOR = "chainpipe report"
_MARK = f'<meta name="generator" content="{GENERATOR}">'.encode()
_HEAD = 1024  # bytes in which the mark stands


def report_page(
    models: Sequence[ReportedModel],
    experiments: Sequence[FinishedExperiment] = (),
    *,
    title: str,
) -> str:
    """Return the page.

    Args:
        models: At least one.
        experiments: Finished experiments.
        title: Heading and title of the page.
    """
    import jinja2

    sections = [
        _summary(models),
        run_section(models),
        training_section(models),
        health_section(models),
        retrieval_section(models),
        new_content_section(models, experiments),
        experiments_section(experiments),
        _missing(models),
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.jinja").render(
        title=title,
        lead=f"{counted(len(models), 'model')}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, "
        f"chainpipe {installed_version()}",
        generator=GENERATOR,
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        sections=[section for section in sections if section is not None],
        styles=STYLES,
    )


def check_report_path(path: Path) -> None:
    """Check that a report may be written there, before any work.

    Raises:
        UsageError: If the name does not end in ``.html``, or a file that is no report is there.
    """
    if path.suffix.lower() != ".html":
        hint = "name a file that ends in `.html`"
        raise UsageError(f"cannot write the report `{path}`", hint=hint)
    if not path.exists():
        return
    if not path.is_file() or _MARK not in _start(path):
        hint = "name another file with `--out`"
        raise UsageError(f"`{path}` is there and is no report of chainpipe", hint=hint)


def write_report(path: Path, page: str) -> None:
    """Write the page atomically.

    Raises:
        StorageError: If it cannot be written.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="backslashreplace")


def _start(path: Path) -> bytes:
    with storage_errors(path), path.open("rb") as file:
        return file.read(_HEAD)


def _summary(models: Sequence[ReportedModel]) -> ReportSection:
    heads = ["", "method", "bits", "seed", "mAP@5", "mAP@20", "mAP@20 tie-averaged", "signatures"]
    rows = [_summary_row(model) for model in models]
    return ReportSection("summary", "Summary", [ReportTable("Models", heads, rows)])


def _summary_row(model: ReportedModel) -> list[str]:
    facts = model.facts
    scores = [ABSENT] * 3
    if model.evaluations:
        found = model.evaluations[0].scores
        scores = [f"{found[name][k]:.4f}" for name, k in _SCORES]
    elif model.measured:
        kept = model.measured[-1]
        scores = [f"{kept[name][str(k)]:.4f}" for name, k in _SCORES]
    names = [text.split(" (")[0] for text in found_signatures(model)]
    told = "; ".join(names) or ("none" if has_validation(model) else "not looked for")
    return [model.name, facts.method, str(facts.bits), str(facts.seed), *scores, told]


_SCORES = (("map", 5), ("map", 20), ("map_tied", 20))


def _missing(models: Sequence[ReportedModel]) -> ReportSection | None:
    lines = [f"{model.name}: {line}" for model in models for line in model.missing]
    if not lines:
        return None
    return ReportSection("missing", "What is missing", [ReportNotes("", lines, "warning")])
