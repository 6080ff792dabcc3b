"""Docstrings: documented names exist, `Args:` is complete, public names are documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for folder in ("pipeline", "hashing", "chainpipe")
    for path in (ROOT / folder).rglob("*.py")
    if not any(part.is_symlink() for part in path.parents)
)
SECTION = re.compile(r"^( *)(Args|Attributes):\n((?:\1 +.*\n?|[ \t]*\n)*)", re.M)
RETIRED = re.compile(
    r"fixed front|two-layer part|source of chance|beside a skip|numbers a frame",
    re.I,
)
LEAST_DOCUMENTED = 0.97

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documentable = Function | ast.ClassDef


def entries(doc: str, section: str) -> list[str]:
    """Return the names that a section of a docstring documents.

    >>> entries("Do it.\\n\\nArgs:\\n    a: First,\\n        more: of it.\\n    b: Second.", "Args")
    ['a', 'b']
    """
    names: list[str] = []
    for match in SECTION.finditer(doc):
        lines = [line for line in match[3].splitlines() if line.strip()]
        if match[2] == section and lines:
            indent = min(len(line) - len(line.lstrip()) for line in lines)
            names += re.findall(rf"^ {{{indent}}}\*{{0,2}}(\w+):", "\n".join(lines), re.M)
    return names


def parameters(function: Function) -> list[str]:
    """Return the names of all parameters but ``self``, ``cls`` and ``ctx``."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    every += [each for each in (given.vararg, given.kwarg) if each is not None]
    return [each.arg for each in every if each.arg not in ("self", "cls", "ctx")]


def attributes(node: ast.ClassDef) -> set[str]:
    """Return the fields, properties and assigned or registered attributes of a class."""
    found: set[str] = set()
    for item in node.body:
        if isinstance(item, Function):
            found.add(item.name)
        targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    for inner in ast.walk(node):
        found |= assigned(inner) | registered(inner)
    return found


def assigned(node: ast.AST) -> set[str]:
    """Return the name of an attribute that is assigned on ``self``."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)):
        return set()
    return {node.attr} if isinstance(node.value, ast.Name) and node.value.id == "self" else set()


def registered(node: ast.AST) -> set[str]:
    """Return the name in a call such as ``self.register_buffer("name", ...)``."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return set()
    if not node.func.attr.startswith("register_"):
        return set()
    return {str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant)}


def faults(node: Documentable) -> Iterator[str]:
    """Yield each documented name that does not exist, and each argument left out."""
    doc = ast.get_docstring(node) or ""
    documented = entries(doc, "Args")
    start: Documentable | None = node
    if isinstance(node, ast.ClassDef):
        own = attributes(node)
        yield from (f"no attribute `{n}`" for n in entries(doc, "Attributes") if n not in own)
        methods = [item for item in node.body if isinstance(item, Function)]
        start = next((item for item in methods if item.name == "__init__"), None)
    given = parameters(start) if isinstance(start, Function) else sorted(attributes(node))
    yield from (f"no argument `{name}`" for name in documented if name not in given)
    if documented:
        yield from (f"`{name}` is not documented" for name in given if name not in documented)


def definitions(source: str) -> list[Documentable]:
    """Return all functions and classes of a module."""
    nodes = ast.walk(ast.parse(source))
    return [node for node in nodes if isinstance(node, Function | ast.ClassDef)]


def public(tree: ast.AST) -> Iterator[Documentable]:
    """Yield the public functions, classes and methods, without those nested in functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_every_documented_name_exists_and_args_are_complete() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: `{node.name}`: {fault}"
        for path in FILES
        for node in definitions(path.read_text(encoding="utf-8"))
        for fault in faults(node)
    ]
    assert not found, "\n".join(found)


def test_public_names_are_documented() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    documented = [ast.get_docstring(node) is not None for tree in trees for node in public(tree)]
    assert sum(documented) >= LEAST_DOCUMENTED * len(documented) > 0


def test_no_first_line_has_a_retired_word() -> None:
    found = []
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in [tree, *(n for n in ast.walk(tree) if isinstance(n, Function | ast.ClassDef))]:
            first = (ast.get_docstring(node) or "").partition("\n")[0]
            if RETIRED.search(first):
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}: {first}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (
            'def f(a, b):\n    """Do.\n\n    Args:\n        a: One.\n    """',
            "`b` is not documented",
        ),
        (
            'def f(a):\n    """Do.\n\n    Args:\n        a: One.\n        c: Two."""',
            "no argument `c`",
        ),
        ('class A:\n    """Do.\n\n    Attributes:\n        a: One.\n    """', "no attribute `a`"),
    ],
)
def test_planted_faults_are_found(source: str, fault: str) -> None:
    (node,) = definitions(source)
    assert list(faults(node)) == [fault]
