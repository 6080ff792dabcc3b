"""Run the cells of a notebook in one namespace and write what they print and draw into it.

Run it as ``python docs/run_notebook.py examples/first_steps.ipynb``; it needs no Jupyter.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

Output = dict[str, Any]


def run_cell(source: str, names: dict[str, Any]) -> tuple[str, object]:
    r"""Run one cell; return what it printed and the value of its last expression.

    >>> run_cell("x = 2\nprint(x)\nx + 1", {})
    ('2\n', 3)
    """
    tree, printed, value = ast.parse(source), io.StringIO(), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return printed.getvalue(), value


def outputs(printed: str, value: object, number: int) -> list[Output]:
    """Return the outputs of a cell as a notebook keeps them."""
    found: list[Output] = []
    if printed:
        found.append({"output_type": "stream", "name": "stdout", "text": printed.splitlines(True)})
    if value is not None:
        data: dict[str, Any] = {"text/plain": repr(value).splitlines(True)}
        if hasattr(value, "savefig"):
            picture = io.BytesIO()
            value.savefig(picture, format="png", dpi=64)
            data["image/png"] = base64.b64encode(picture.getvalue()).decode()
        head = {"output_type": "execute_result", "execution_count": number, "metadata": {}}
        found.append({**head, "data": data})
    return found


def run(path: Path) -> None:
    """Run a notebook and write its outputs."""
    notebook = json.loads(path.read_text())
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        printed, value = run_cell("".join(cell["source"]), names)
        cell["execution_count"], cell["outputs"] = number, outputs(printed, value, number)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(Path(name))
