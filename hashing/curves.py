"""What training looked like: the history as CSV and as a picture. Drawing only."""

from __future__ import annotations

import csv
import io

HistoryRow = dict[str, float]

_INK, _GRID = "#1f3a5f", "#d9dee5"


def history_csv(history: list[HistoryRow]) -> bytes:
    r"""Return the history as CSV, one line an epoch, after a header of names.

    >>> history_csv([{"epoch": 1, "loss": 0.5}])
    b'epoch,loss\n1,0.5\n'
    """
    text = io.StringIO()
    names = list(history[0]) if history else ["epoch", "loss"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({n: f"{row[n]:.6g}" for n in names} for row in history)
    return text.getvalue().encode()


def draw_curves(history: list[HistoryRow], *, title: str) -> bytes:
    """Return a PNG with one small panel for each measure, over the epochs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = history[0] if history else {"epoch": 0.0, "loss": 0.0}
    clock = "step" if "step" in first else "epoch"
    names = [name for name in first if name != clock]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(3.6 * columns, 0.6 + 2.4 * rows), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    times = [row[clock] for row in history]
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.plot(times, [row[name] for row in history], color=_INK, marker=".", markersize=3)
        axes.set_title(name.replace("_", " "), fontsize=9, loc="left")
        axes.grid(color=_GRID)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(clock, fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()
