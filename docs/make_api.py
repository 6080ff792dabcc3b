"""Write docs/api.md from the docstrings of ``import chainpipe``; a test compares the two.

Run it as ``make docs``, or ``python docs/make_api.py``.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import chainpipe

PAGE = Path(__file__).with_name("api.md")
WIDTH = 100
INTRODUCTION = """# API reference

Made by `make docs` from the docstrings; a test fails when the two differ. [Python](python.md) is a
walk through it. In shapes, N or B are videos, T frames, D numbers of a frame, K bits, C labels.
"""
FUNCTIONS = (
    *("extract", "open_store", "store_from_arrays", "train", "load_model", "evaluate"),
    *("find_duplicates", "find_clip", "import_features", "extract_one", "encode_one"),
    *("mteb_model", "mteb_task"),
)
CLASSES = (
    *("Store", "Model", "Codes", "Evaluation", "Duplicates", "FilmPlace", "TextSearch"),
    *("TextAnswer", "register"),
)
SKIPPED = re.compile(r" *# doctest: \+SKIP")
LISTS = ("Args", "Raises", "Attributes")
SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes|Example|Examples):$")


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, "## Functions\n"]
    parts += [documented(f"`{name}`", getattr(chainpipe, name), name) for name in functions()]
    parts += ["## Classes\n", *(of_class(name) for name in CLASSES)]
    parts += ["## Errors\n", *errors()]
    return "\n".join(parts)


def functions() -> list[str]:
    """Return the public functions, in the order of a user's road; further ones come last."""
    rest = [name for name in chainpipe.__all__ if inspect.isfunction(getattr(chainpipe, name))]
    return [*FUNCTIONS, *(name for name in rest if name not in FUNCTIONS)]


def documented(title: str, thing: Callable[..., Any], name: str) -> str:
    """Return one function's heading, signature and documentation."""
    doc = inspect.getdoc(thing) or ""
    return f"### {title}\n\n```python\n{signature(name, thing)}\n```\n\n{markdown(doc)}\n"


def of_class(name: str) -> str:
    """Return one class, or the class of one public object, with its attributes and methods."""
    thing = getattr(chainpipe, name)
    kind = thing if inspect.isclass(thing) else type(thing)
    parts = [f"### `{name}`\n\n{markdown(inspect.getdoc(kind) or '')}\n"]
    members = {key: vars(kind)[key] for key in vars(kind) if not key.startswith("_")}
    attributes = {key: one for key, one in members.items() if isinstance(one, property)}
    if attributes:
        lines = [item(key, inspect.getdoc(one) or "") for key, one in attributes.items()]
        parts.append("\n".join(["Properties:", "", *lines]) + "\n")
    for key, member in members.items():
        function = member.__func__ if isinstance(member, classmethod) else member
        if inspect.isfunction(function):
            parts.append("#" + documented(f"`{name}.{key}`", function, f"{name}.{key}"))
    return "\n".join(parts)


def errors() -> Iterator[str]:
    """Yield a list item for each error."""
    for name in chainpipe.__all__:
        thing = getattr(chainpipe, name)
        if inspect.isclass(thing) and issubclass(thing, Exception):
            yield item(name, summary(thing))


def summary(thing: object) -> str:
    """Return the first sentence of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def item(name: str, text: str) -> str:
    """Return a list item, wrapped.

    >>> item("bits", "K, the length of a code.")
    '- `bits`: K, the length of a code.'
    """
    return wrapped(f"- `{name}`: {' '.join(text.split())}", "  ")


def wrapped(text: str, indent: str = "") -> str:
    """Wrap a paragraph at the width of the pages; double backticks become single ones."""
    plain = re.sub(r":\w+:`([^`]*)`", r"`\1`", text).replace("``", "`")
    return textwrap.fill(
        plain, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def signature(name: str, thing: Callable[..., Any]) -> str:
    """Return a call as Python writes it, one argument a line if it is long."""
    found = inspect.signature(thing)
    parts = [argument(one) for one in found.parameters.values() if one.name not in ("self", "cls")]
    keywords = inspect.Parameter.KEYWORD_ONLY
    first = next((i for i, one in enumerate(found.parameters.values()) if one.kind == keywords), -1)
    if first >= 0:
        parts.insert(first - (len(found.parameters) - len(parts)), "*")
    line = f"{name}({', '.join(parts)}) -> {found.return_annotation}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(
        [f"{name}(", *(f"    {part}," for part in parts), f") -> {found.return_annotation}"]
    )


def argument(one: inspect.Parameter) -> str:
    """Return one argument with its type and default."""
    default = "" if one.default is one.empty else f" = {one.default!r}"
    return f"{one.name}: {one.annotation}{default}"


def markdown(doc: str) -> str:
    """Return a docstring of Google's form as Markdown."""
    parts: list[str] = []
    section, lines = "", list[str]()
    for line in [*doc.splitlines(), "Returns:"]:
        if (found := SECTION.match(line)) is None:
            lines.append(line)
            continue
        parts += rendered(section, lines)
        section, lines = found[1], []
    return "\n\n".join(parts)


def rendered(section: str, lines: list[str]) -> Iterator[str]:
    """Yield the paragraphs of one section."""
    body = textwrap.dedent("\n".join(lines)).strip("\n")
    if not body:
        return
    if section.startswith("Example"):
        yield f"```pycon\n{SKIPPED.sub('', body)}\n```"
    elif section in LISTS:
        entries = re.split(r"\n(?=\S)", body)
        pairs = [entry.partition(":") for entry in entries]
        yield f"{section}:"
        yield "\n".join(item(name, text) for name, _, text in pairs)
    else:
        yield from prose(body, section)


def prose(body: str, section: str) -> Iterator[str]:
    """Yield paragraphs; examples between them stay as they are."""
    head = f"{section}: " if section else ""
    for paragraph in body.split("\n\n"):
        if paragraph.startswith(">>>"):
            yield f"```pycon\n{paragraph}\n```"
        else:
            yield wrapped(head + " ".join(paragraph.split()))
        head = ""


if __name__ == "__main__":
    PAGE.write_text(page())
