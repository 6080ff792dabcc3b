"""Section "what was run": commands, data, settings and versions of each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chainpipe.pipeline.console import counted, printable

from ...config.overrides import flatten
from ...model_folder.card import describe_split
from .blocks import Block, ReportNotes, ReportSection, ReportTable
from .reported_model import ReportedModel

ABSENT = "-"


def run_section(models: Sequence[ReportedModel]) -> ReportSection:
    """Return the section.

    Args:
        models: At least one.
    """
    heads = ["", *(model.name for model in models)]
    facts = [_facts(model) for model in models]
    names = dict.fromkeys(name for one in facts for name in one)
    rows = [[name, *(one.get(name, ABSENT) for one in facts)] for name in names]
    blocks: list[Block] = [
        ReportNotes(
            "Commands that train such models", [model.command for model in models], "command"
        ),
        ReportTable("Models, data and versions", heads, rows, text=True),
    ]
    blocks += [block for model in models if (block := _config(model))]
    return ReportSection("run", "What was run", blocks)


def _facts(model: ReportedModel) -> dict[str, str]:
    facts, data, print_ = model.facts, model.facts.data, model.facts.fingerprint
    decided = {"trained": str(data["decided"])} if data.get("decided") else {}
    none = {"no epochs": str(data["no_epochs"])} if data.get("no_epochs") else {}
    return {
        "method": facts.method,
        "bits": str(facts.bits),
        "seed": str(facts.seed),
        "store": printable(Path(facts.store).name) if facts.store else "arrays",
        "training videos": f"{data.get('videos', 0)} ({describe_split(data.get('split', 'all'))})",
        "held out": f"{data.get('held_out') or 'none'}",
        "left out": f"{counted(data.get('copies', 0), 'copy')}, {data.get('bad', 0)} NaN or Inf",
        "frames a video": str(data.get("frames", ABSENT)),
        "backbone": f"{print_.backbone}, {print_.dim} features",
        "preprocessing": print_.preprocessing,
        **decided,
        **none,
        "changed settings": ", ".join(f"{k}={v}" for k, v in model.changed.items()) or "none",
        "weights, SHA-256": facts.weights_sha256[:16],
        "made": f"{facts.created[:10]}, chainpipe {facts.version}",
    }


def _config(model: ReportedModel) -> ReportTable | None:
    if not model.facts.config:
        return None
    rows = [[key, str(value)] for key, value in flatten(model.facts.config).items()]
    title = f"All settings of {model.name}"
    return ReportTable(title, ["key", "value"], rows, folded=True, text=True)
