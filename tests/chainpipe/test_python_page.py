"""The page on Python and the notebook run as they stand."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/python.md"
NOTEBOOK = ROOT / "examples/first_steps.ipynb"


def run(sources: list[tuple[str, str]]) -> dict[str, Any]:
    """Run pieces of code in one namespace, each under a name for tracebacks."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for name, source in sources:
        exec(compile(source, name, "exec"), names)
    return names


def blocks() -> list[tuple[str, str]]:
    """Return the Python blocks of the page, at their own lines."""
    text = PAGE.read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [(str(PAGE), "\n" * text.count("\n", 0, one.start(1)) + one[1]) for one in found]


def test_the_blocks_of_the_page_run_in_order(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(library, tmp_path / "videos")
    monkeypatch.chdir(tmp_path)
    names = run(blocks())
    assert names["clip"].shape == (25, 1280)
    assert names["found"].rows.shape == (5, 10)
    assert names["matrix"].shape == (200, 5)
    assert names["result"].map(20) > 0.9
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"videos", "features.h5", "my-model", "codes.npz"}


def test_few_lines_lead_to_codes_and_to_neighbours() -> None:
    arrays, _, videos, *_ = (code.strip().splitlines() for _, code in blocks())
    assert len(arrays) <= 7
    assert len([line for line in videos if line]) <= 10


def test_the_reference_of_the_interface_is_what_the_docstrings_say() -> None:
    made = runpy.run_path(str(ROOT / "docs/make_api.py"))["page"]()
    assert (ROOT / "docs/api.md").read_text() == made, "run `make docs`"


def test_the_cells_of_the_notebook_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = run([(f"cell {number}", source) for number, source in enumerate(code, 1)])
    assert names["result"].map(20) > 0.9
    assert not list(tmp_path.iterdir())


def test_the_notebook_is_small_and_has_its_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert NOTEBOOK.stat().st_size < 100_000
    outputs = [one for cell in cells for one in cell.get("outputs", [])]
    assert any("image/png" in one.get("data", {}) for one in outputs)
    assert not [one for one in outputs if one["output_type"] == "error"]
