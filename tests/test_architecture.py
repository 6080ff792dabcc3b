"""The rooms of the source: imports run one way, and the pages say what the source is."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"

# From the top floor to the ground: a room imports only rooms that come after it.
ORDER = {
    "pipeline": [
        *("cli", "demo_clips", "extraction", "importing", "decode", "backbones"),
        *("inputs", "augment", "store", "console", "records", "options", "errors"),
    ],
    "hashing": [
        *("cli", "reporting", "experiments", "runs", "films", "methods", "training", "mining"),
        *(
            "losses",
            "views",
            "evaluation",
            "duplicates",
            "matching",
            "database",
            "retrieval",
            "model_folder",
        ),
        *("models", "data", "monitoring", "config", "runtime"),
    ],
}
MOST_ROOMS = {"pipeline": 13, "hashing": 23}
READ_BY_HASHING = {"backbones", "console", "errors", "records", "store"}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that draws the architecture, as a module."""
    path = ROOT / "docs" / "make_architecture.py"
    spec = importlib.util.spec_from_file_location("make_architecture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_examples_of_the_script_run(script: ModuleType) -> None:
    found = doctest.testmod(script)
    assert found.attempted >= 3
    assert found.failed == 0


def test_the_committed_rooms_are_those_of_the_source(script: ModuleType) -> None:
    committed = json.loads((ROOT / "docs" / "architecture.json").read_text())
    assert committed == script.facts(), "run `python docs/make_architecture.py`"


def test_rooms_in_a_circle_are_an_error_that_names_them(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="rooms import each other: a -> b -> a"):
        script.floors(["a", "b"], [("a", "b"), ("b", "a")])


@pytest.mark.parametrize("stage", ORDER)
def test_no_import_runs_back_up(script: ModuleType, stage: str) -> None:
    order = {f"{stage}/{name}": number for number, name in enumerate(ORDER[stage])}
    own = [name for name in script.rooms() if name.startswith(stage + "/")]
    assert sorted(own) == sorted(order), "give a new room its place in ORDER"
    back = [
        (start, end)
        for start, end in script.arrows()
        if start in order and end in order and order[start] > order[end]
    ]
    assert not back


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_has_few_rooms(script: ModuleType, stage: str) -> None:
    own = [name for name in script.rooms() if name.startswith(stage + "/")]
    assert len(own) <= MOST_ROOMS[stage]


def test_no_file_imports_a_stage_by_the_name_of_its_folder() -> None:
    wrong = []
    for folder in ("pipeline", "hashing", "chainpipe", "tests", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                if {name.split(".")[0] for name in names} & {"pipeline", "hashing"}:
                    wrong.append(path)
    assert not wrong


def test_stage_one_imports_nothing_of_stage_two_nor_of_the_door(script: ModuleType) -> None:
    wrong = [
        (start, end)
        for start, end in script.arrows()
        if start.startswith("pipeline/")
        and not end.startswith("pipeline/")
        and end not in script.GROUND
    ]
    assert not wrong


def test_stage_two_imports_little_of_stage_one(script: ModuleType) -> None:
    read = {end for start, end in script.arrows() if script.crosses(start, end)}
    assert read <= {f"pipeline/{name}" for name in READ_BY_HASHING}


def test_nothing_imports_the_installed_package_but_its_names(script: ModuleType) -> None:
    ends = {end for _, end in script.arrows()}
    starts = {start for start, _ in script.arrows()}
    assert "chainpipe" not in ends
    assert not set(script.GROUND) & starts


def test_a_public_class_has_a_name_of_its_own(script: ModuleType) -> None:
    names = Counter(
        node.name
        for path in script.sources()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert not [name for name, count in names.items() if count > 1]


def test_the_page_names_every_room(script: ModuleType) -> None:
    folders = {
        path.parent.relative_to(ROOT).as_posix()
        for path in script.sources()
        if path.name == "__init__.py" and path.parent != ROOT
    }
    page = PAGE.read_text()
    named = folders | set(script.rooms())
    assert not [name for name in sorted(named) if f"`{name}`" not in page]
