"""Console on stderr: messages, progress, printable names, counts and sizes."""

from .json_text import json_text, restored
from .progress import progress_line
from .stderr import Console
from .words import (
    counted,
    format_duration,
    format_rate,
    format_size,
    from_here,
    printable,
    shortened,
    some_names,
)

__all__ = [
    "Console",
    "counted",
    "format_duration",
    "format_rate",
    "format_size",
    "from_here",
    "json_text",
    "printable",
    "progress_line",
    "restored",
    "shortened",
    "some_names",
]
