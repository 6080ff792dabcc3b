"""Draws faults.md from faults.json, which a soak with CHAINPIPE_FIGURES=docs/numbers writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
HEAD = """# The fault campaign

Each line is a campaign of real files, processes and disks, with its number in the fault list.
`CHAINPIPE_FIGURES=docs/numbers make soak` runs them all and writes `faults.json`;
`python docs/numbers/draw_faults.py` draws this page from it.

| row | fault | to reach | reached | figures | command | date |
|---|---|---|---|---|---|---|
"""


def line(facts: dict[str, Any]) -> str:
    """Return one campaign as a line of the table."""
    figures = ", ".join(f"{name} {value:g}" for name, value in facts["figures"].items())
    wanted, tried = max(facts["wanted"], facts["tried"]), facts["tried"]
    least = f"{1 - facts['tolerated']:.0%} of {wanted}" if facts["tolerated"] else f"all {wanted}"
    cells = [
        facts["row"], facts["fault"], least, f"{facts['held']} of {tried}", figures,
        f"`{facts['command']}`", facts["date"],
    ]  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def main() -> None:
    """Write faults.md beside faults.json."""
    campaigns = json.loads((HERE / "faults.json").read_text()).values()
    (HERE / "faults.md").write_text(HEAD + "".join(line(facts) for facts in campaigns))


if __name__ == "__main__":
    main()
