"""Matplotlib figures without a display: create one, format its axes, write it as PNG."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from chainpipe.pipeline.store.atomic import atomic_replace, storage_errors

GRID = "#d9dee5"
COLOURS = ("#1f3a5f", "#d1495b", "#2a9d8f", "#e9a23b", "#6b7785")


def new_figure(width: float, height: float) -> Any:
    """Create a matplotlib ``Figure`` of a size in inches, at 110 dots an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)  # without pyplot, so that no window system is asked for
    return figure


def png_bytes(figure: Any) -> bytes:
    """Render a figure as PNG."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return picture.getvalue()


def write_png(path: Path, content: bytes) -> None:
    """Write a PNG atomically.

    Raises:
        StorageError: If the file cannot be written.
    """
    with storage_errors(path), atomic_replace(path) as temporary:
        temporary.write_bytes(content)


def format_axes(axes: Any, *, title: str, x_label: str, y_label: str) -> None:
    """Set title, axis labels, grid and small ticks of one panel; y starts at 0."""
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(x_label, fontsize=8)
    axes.set_ylabel(y_label, fontsize=8)
    axes.set_ylim(bottom=0)
    axes.grid(color=GRID)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
