"""A second reading of the report: tables, list items and lines of charts out of its HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class ReadPage(HTMLParser):
    """Collects what stands in a page."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    charts: list[tuple[str, list[list[tuple[float, float]]]]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._title, self._cell, self._text = "", False, ""
        self._axes: tuple[list[float], list[float]] | None = None

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in given}
        self.tags.add(tag)
        if tag == "table":
            self._title = facts["aria-label"]
            self.tables[self._title] = []
        elif tag == "tr":
            self.tables[self._title].append([])
        elif tag in ("td", "th", "li"):
            self._text = ""
        elif tag == "svg" and "data-x" in facts:
            x, y = ([float(v) for v in facts[name].split()] for name in ("data-x", "data-y"))
            self._axes = (x, y)
            self.charts.append((facts["aria-label"], []))
        elif tag == "svg":
            self._axes = None
        elif tag == "path" and self._axes and facts.get("class", "").startswith("line"):
            self.charts[-1][1].append(self._values(facts["d"]))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.tables[self._title][-1].append(self._text.strip())
        elif tag == "li":
            self.items.append(self._text.strip())

    def handle_data(self, data: str) -> None:
        self._text += data

    def _values(self, path: str) -> list[tuple[float, float]]:
        """Turn positions back into values."""
        assert self._axes is not None
        numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path)]
        places = zip(numbers[::2], numbers[1::2], strict=True)
        return [tuple(map(self._value, self._axes, place)) for place in places]  # type: ignore[misc]

    @staticmethod
    def _value(axis: list[float], place: float) -> float:
        low, high, start, end = axis
        return low + (place - start) / (end - start) * (high - low)

    def chart(self, start: str) -> list[list[tuple[float, float]]]:
        """Return the lines of the chart whose label starts so."""
        return next(lines for label, lines in self.charts if label.startswith(start))


def read_page(text: str) -> ReadPage:
    page = ReadPage()
    page.feed(text)
    return page
