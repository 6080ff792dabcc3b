"""Training history as CSV and as a plot."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from chainpipe.pipeline.errors import DamageError

HistoryRow = dict[str, float]

_INK, _VAL_INK, _GRID = "#1f3a5f", "#c2571a", "#d9dee5"
_VAL_PREFIX = "val_"
_TICKS = 4  # intervals of an axis


def history_csv(history: list[HistoryRow]) -> bytes:
    r"""Return the history as CSV: a header of names, then one line per epoch.

    >>> history_csv([{"epoch": 1, "loss": 0.5}])
    b'epoch,loss\n1,0.5\n'
    """
    text = io.StringIO()
    names = _names(history) or ["epoch", "loss"]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({n: f"{value:.6g}" for n, value in row.items()} for row in history)
    return text.getvalue().encode()


def read_history(path: Path) -> list[HistoryRow]:
    """Read a file that :func:`history_csv` made; a missing one has no rows.

    Raises:
        DamageError: If it holds anything but numbers below names.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        return [{name: float(value) for name, value in row.items() if value} for row in rows]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, csv.Error) as error:
        hint = "train the model again with `--restart`"
        raise DamageError(f"`{path}` was altered or is cut short: {error}", hint=hint) from error


def draw_curves(history: list[HistoryRow], *, title: str) -> bytes:
    """Return a PNG with one panel per metric, over the epochs.

    A panel shows the training and the validation values of a metric; for an accuracy also its
    chance level as a dashed line.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    history = history or [{"epoch": 0.0, "loss": 0.0}]
    clock = "step" if "step" in history[0] else "epoch"
    names = list(dict.fromkeys(n.removeprefix(_VAL_PREFIX) for n in _names(history) if n != clock))
    names = [name for name in names if not name.endswith("_chance")]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    width, height = 3.6 * columns, 0.9 + 2.4 * rows
    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, y=1 - 0.2 / height)
    # Margins in inches: the layout engines draw everything twice, and ticks are the slow part.
    figure.subplots_adjust(
        left=0.55 / width,
        right=1 - 0.15 / width,
        bottom=0.75 / height,
        top=1 - 0.65 / height,
        wspace=0.25,
        hspace=0.42,
    )
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(_TICKS))
        for key, colour in ((name, _INK), (_VAL_PREFIX + name, _VAL_INK)):
            points = [(row[clock], row[key]) for row in history if key in row]
            times, values = [p[0] for p in points], [p[1] for p in points]
            axes.plot(times, values, color=colour, marker=".", markersize=3)
        if (chance := name.replace("_accuracy", "_chance")) != name and chance in history[-1]:
            axes.axhline(history[-1][chance], color="gray", linestyle="--", linewidth=1)
        axes.set_title(name.replace("_", " "), fontsize=9, loc="left", y=1.0)
        axes.grid(color=_GRID)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel(clock, fontsize=8)
    if any(name.startswith(_VAL_PREFIX) for name in _names(history)):
        words = "blue: in training; orange: on held-out videos"
        figure.supxlabel(words, fontsize=8, y=0.1 / height)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def _names(history: list[HistoryRow]) -> list[str]:
    """Return all names: step or epoch first, then training metrics, then validation metrics."""
    names = list(dict.fromkeys(name for row in history for name in row))
    return sorted(names, key=lambda name: name.startswith(_VAL_PREFIX))
