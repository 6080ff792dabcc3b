"""`import chainpipe` is cheap, complete and typed."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import chainpipe

HEAVY = ("torch", "h5py", "typer", "rich", "faiss", "av", "scipy", "zarr", "matplotlib")
SECONDS = 0.1


def cpu_seconds(statement: str) -> float:
    """Return the least CPU time of three runs of a statement in a fresh interpreter."""
    program = f"import numpy, time; t = time.process_time(); {statement}"
    program += "; print(time.process_time() - t)"
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
    return min(float(run.stdout) for run in runs)


def test_importing_costs_less_than_a_tenth_of_a_second_over_numpy() -> None:
    assert cpu_seconds("import chainpipe") < SECONDS


def test_importing_loads_nothing_heavy() -> None:
    program = "import chainpipe, sys; dir(chainpipe); print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {*HEAVY, "numpy"}


def test_every_public_name_is_there_once_and_documented() -> None:
    assert len(set(chainpipe.__all__)) == len(chainpipe.__all__)
    assert set(chainpipe.__all__) <= set(dir(chainpipe))
    for name in chainpipe.__all__:
        thing = getattr(chainpipe, name)
        assert isinstance(thing, str) or inspect.getdoc(thing), name


def test_no_public_name_is_shadowed_by_a_module() -> None:
    import importlib
    import pkgutil

    for module in pkgutil.walk_packages(chainpipe.__path__, "chainpipe."):
        if module.name.startswith("chainpipe.api."):
            importlib.import_module(module.name)
    assert not [name for name in chainpipe.__all__ if inspect.ismodule(getattr(chainpipe, name))]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute `hash`"):
        _ = chainpipe.hash


def test_the_types_are_those_of_the_lazy_names() -> None:
    """What mypy reads under TYPE_CHECKING is what `__getattr__` gives."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(chainpipe.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    named = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert named == chainpipe._MODULES
    assert {*named, "DISTRIBUTION", "__version__"} == set(chainpipe.__all__)
