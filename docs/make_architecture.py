"""Draw docs/architecture.png and write docs/architecture.json from the imports of the source.

A room is a folder or a single file at the top of a stage; an arrow goes from a room to a room that
it imports. Run it as ``make docs``, or ``python docs/make_architecture.py``.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("architecture.png")
DATA = Path(__file__).with_name("architecture.json")
STAGES = ("pipeline", "hashing")
DOOR = "chainpipe"
DOOR_ROOMS = ("api", "library", "importing", "gallery", "server", "mteb_support")
GROUND = ("chainpipe/distribution", "chainpipe/lazy_command")  # for everybody
INK, FAINT, EDGE = "#1f3b57", "#b8c4d0", "#7a8fa6"
FILL = {"pipeline": "#e8f1fa", "hashing": "#eef6e9"}
FRAMES = {"pipeline": (0.0, 5.1), "hashing": (6.1, 6.9)}  # left edge and width
Arrow = tuple[str, str]
Point = tuple[float, float]
Places = dict[str, Point]


def sources() -> Iterator[Path]:
    """Yield the source files of both stages and of the installed package."""
    for stage in STAGES:
        yield from sorted((ROOT / stage).rglob("*.py"))
    for folder in (ROOT / DOOR, *(ROOT / DOOR / name for name in DOOR_ROOMS)):
        yield from sorted(folder.glob("*.py"))


def room_of(parts: tuple[str, ...]) -> str | None:
    """Return the room of a module, given the parts of its name; a stage itself has none.

    >>> room_of(("pipeline", "store", "reader")), room_of(("chainpipe", "command"))
    ('pipeline/store', 'chainpipe')
    """
    if parts[0] == DOOR:
        name = "/".join(parts[:2])
        return name if name in GROUND else DOOR
    return "/".join(parts[:2]) if len(parts) > 1 else None


def module_parts(path: Path) -> tuple[str, ...]:
    """Return the parts of a module's name, from the top of the repository."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the parts of every module of ours that a file imports, also inside functions."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _absolute(tuple(alias.name.split(".")))
        elif isinstance(node, ast.ImportFrom):
            name = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                if node.level:
                    yield (*package[: len(package) + 1 - node.level], *name, alias.name)
                else:
                    yield from _absolute((*name, alias.name))


def _absolute(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield a module of the installed package by its place in the repository."""
    if parts[0] == DOOR:
        yield parts[1:] if len(parts) > 1 and parts[1] in STAGES else parts


@cache
def rooms() -> list[str]:
    """Return all rooms, in order of their names."""
    found = {room_of(module_parts(path)) for path in sources()}
    return sorted(room for room in found if room is not None)


@cache
def arrows() -> list[Arrow]:
    """Return which room imports which other, in order."""
    known = set(rooms())
    found = set()
    for path in sources():
        start = room_of(module_parts(path))
        ends = {room_of(parts) for parts in imported(path)} & known
        found |= {(start, end) for end in ends if start is not None and end is not None}
    return sorted((start, end) for start, end in found if start != end)


def floors(names: list[str], pairs: list[Arrow]) -> dict[str, int]:
    """Return each room's floor: one above the highest room that it imports.

    Raises:
        ValueError: If rooms import each other in a circle.

    >>> floors(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    {'a': 2, 'b': 1, 'c': 0}
    """
    below = {name: [end for start, end in pairs if start == name] for name in names}
    found: dict[str, int] = {}

    def floor(name: str, path: tuple[str, ...]) -> int:
        if name in path:
            raise ValueError(f"rooms import each other: {' -> '.join((*path, name))}")
        if name not in found:
            found[name] = 1 + max((floor(end, (*path, name)) for end in below[name]), default=-1)
        return found[name]

    return {name: floor(name, ()) for name in names}


def inside(stage: str) -> dict[str, int]:
    """Return the floors of one stage's rooms, counted from its own ground."""
    names = [name for name in rooms() if name.startswith(stage + "/")]
    pairs = [pair for pair in arrows() if pair[0] in names and pair[1] in names]
    return floors(names, pairs)


def facts() -> dict[str, Any]:
    """Return what docs/architecture.json holds."""
    return {
        "floors": {stage: inside(stage) for stage in STAGES},
        "arrows": [list(pair) for pair in arrows()],
    }


def direct(pairs: list[Arrow]) -> set[Arrow]:
    """Return the arrows that no longer way replaces (the transitive reduction).

    >>> sorted(direct([("a", "b"), ("b", "c"), ("a", "c")]))
    [('a', 'b'), ('b', 'c')]
    """
    reach: dict[str, set[str]] = {}

    def below(name: str) -> set[str]:
        if name not in reach:
            ends = {end for start, end in pairs if start == name}
            reach[name] = ends.union(*(below(end) for end in ends))
        return reach[name]

    def replaced(start: str, end: str) -> bool:
        others = {other for first, other in pairs if first == start and other != end}
        return any(end in below(other) for other in others)

    return {pair for pair in pairs if not replaced(*pair)}


def places(
    floor: dict[str, int], pairs: list[Arrow], *, left: float, width: float, height: float
) -> Places:
    """Return the middle of each room's box, rooms of a floor near the rooms that they import."""
    found: Places = {}
    top = max(floor.values())
    for level in range(top + 1):
        row = [name for name, at in floor.items() if at == level]

        def wish(name: str) -> tuple[float, str]:
            ends = [found[end][0] for start, end in pairs if start == name and end in found]
            return (sum(ends) / len(ends) if ends else left + width / 2, name)

        step = width / len(row)
        nudge = 0.27 * width * (-1) ** level if len(row) == 1 else 0.0
        for number, name in enumerate(sorted(row, key=wish)):
            found[name] = (left + (number + 0.5) * step + nudge, level * height / top)
    return found


def draw() -> None:
    """Draw both stages side by side, floor above floor, under the installed package."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    every = arrows()
    levels = {stage: inside(stage) for stage in STAGES}
    top = max(max(floor.values()) for floor in levels.values())
    figure, axis = plt.subplots(figsize=(13, 0.8 * (top + 2)), dpi=100, layout="constrained")
    for stage, (left, width) in FRAMES.items():
        own = [pair for pair in every if all(end.startswith(stage + "/") for end in pair)]
        middle = places(levels[stage], own, left=left, width=width, height=top)
        draw_frame(axis, stage, height=top)
        draw_rooms(axis, middle, own)
    read = {end.split("/")[1] for start, end in every if crosses(start, end)}
    draw_between(axis, sorted(read), top=top)
    axis.set_xlim(-0.2, 13.2)
    axis.set_ylim(-0.7, top + 1.75)
    axis.axis("off")
    figure.savefig(PICTURE, metadata={"Software": None})
    plt.close(figure)


def crosses(start: str, end: str) -> bool:
    """Say whether an import goes from stage two to stage one."""
    return start.startswith("hashing/") and end.startswith("pipeline/")


def draw_frame(axis: Axes, stage: str, *, height: float) -> None:
    """Draw the background of a stage with its name."""
    from matplotlib.patches import FancyBboxPatch

    left, width = FRAMES[stage]
    box = {"boxstyle": "round,pad=0.05", "fc": FILL[stage], "ec": EDGE}
    axis.add_patch(FancyBboxPatch((left, -0.55), width, height + 1.2, **box))
    axis.text(left + 0.08, height + 0.32, f"{stage}/", fontsize=13, weight="bold", color=INK)


def draw_rooms(axis: Axes, middle: Places, own: list[Arrow]) -> None:
    """Draw the rooms of a stage, dark direct arrows and faint others."""
    short = direct(own)
    for start, end in own:
        strong = (start, end) in short
        (left, high), (right, low) = middle[start], middle[end]
        between = {y for _, y in middle.values() if low < y < high}
        through = between and abs(left - right) < 0.5
        bend = {"connectionstyle": "arc3,rad=-0.25"} if through else {}
        style: dict[str, Any] = {"color": INK if strong else FAINT, "lw": 1.2 if strong else 0.5}
        draw_arrow(axis, middle[start], middle[end], zorder=3 if strong else 2, **style, **bend)
    box = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": INK, "lw": 1}
    style = {"ha": "center", "va": "center", "fontsize": 11, "color": INK, "zorder": 5}
    for name, (x, y) in middle.items():
        axis.text(x, y, name.split("/")[1], bbox=box, **style)


def draw_arrow(axis: Axes, start: Point, end: Point, *, zorder: int, **style: Any) -> None:
    """Draw an arrow down from the lower edge of one box to the upper edge of another."""
    axis.annotate(
        "",
        xy=(end[0], end[1] + 0.24),
        xytext=(start[0], start[1] - 0.24),
        arrowprops={"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style},
        zorder=zorder,
    )


def draw_between(axis: Axes, read: list[str], *, top: int) -> None:
    """Draw the installed package above both stages, and what stage two imports of stage one."""
    middle = sum(left + width / 2 for left, width in FRAMES.values()) / len(FRAMES)
    box = {"boxstyle": "round,pad=0.4", "fc": "#fdf3e0", "ec": INK}
    style = {"ha": "center", "color": INK}
    label = "chainpipe/: command line and Python interface"
    axis.text(middle, top + 1.4, label, va="center", fontsize=12, weight="bold", bbox=box, **style)
    for x in (middle - 1.6, middle + 1.6):
        draw_arrow(axis, (x, top + 1.4), (x, top + 0.5), zorder=4, color=INK, lw=1.2)
    (left, width), (right, _) = FRAMES.values()
    ends = {"xy": (left + width + 0.07, 0.5), "xytext": (right - 0.07, 0.5)}
    axis.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "color": INK})
    text = ",\n".join(read)
    gap = (left + width + right) / 2
    axis.text(gap, 0.62, text, va="bottom", fontsize=9, **style)
    text = "chainpipe/\n" + "\n".join(name.split("/")[1] for name in GROUND)
    axis.text(gap, -0.4, text, va="center", fontsize=9, bbox=box, **style)


if __name__ == "__main__":
    DATA.write_text(json.dumps(facts(), indent=1) + "\n")
    draw()
    print(json.dumps({"picture": PICTURE.name, "rooms": len(rooms()), "arrows": len(arrows())}))
