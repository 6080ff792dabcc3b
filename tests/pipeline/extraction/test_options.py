"""The options of an extraction: each default is stated once, and the command line takes it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

import chainpipe
from chainpipe.pipeline.cli.extract import extract
from chainpipe.pipeline.errors import UsageError
from chainpipe.pipeline.extraction.options import PART_OF, PARTS, ExtractOptions
from chainpipe.pipeline.records import Fingerprint, StoreMeta

PIPELINE = Path(chainpipe.__file__).parent / "pipeline"
# Parameters of the command whose values are parsed, not passed on.
PARSED = {"limits": "limit", "engine_options": "engine_set"}


def defaults() -> dict[str, object]:
    """Return the default of each option; options whose default is computed have ``MISSING``."""
    return {one.name: one.default for part in PARTS.values() for one in fields(part)}


def test_the_command_line_takes_every_default_from_its_part() -> None:
    parameters = inspect.signature(extract).parameters
    for name, default in defaults().items():
        shown = parameters[PARSED.get(name, name)].default
        assert shown == (None if default is MISSING or name in PARSED else default), name


def test_every_option_of_the_command_line_has_a_part() -> None:
    others = {"source", "out", "backbone", "plan", "retry", "as_json", "plugin", "quiet"}
    named = {PARSED.get(name, name) for name in PART_OF}
    assert set(inspect.signature(extract).parameters) == named | others


def stated_defaults(file: Path) -> Iterator[tuple[str, int]]:
    """Yield name and line of each parameter or field that has a constant as its default."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            pairs = [(node.target.id, node.value)]
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            last = positional[len(positional) - len(node.defaults) :]
            pairs = [(a.arg, d) for a, d in zip(last, node.defaults, strict=True)]
            pairs += [(a.arg, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
        else:
            continue
        constants = [(name, d) for name, d in pairs if isinstance(d, ast.Constant)]
        yield from ((name, d.lineno) for name, d in constants if d.value is not None)


def test_no_other_module_states_a_default_again() -> None:
    again = [
        f"{file.relative_to(PIPELINE)}:{line}: {name}"
        for file in sorted(PIPELINE.rglob("*.py"))
        # The demo has a seed of its own, and the verb `import` options of its own.
        if file.name
        not in ("options.py", "demo_clips.py", "import_features.py", "import_options.py")
        for name, line in stated_defaults(file)
        if name in PART_OF
    ]
    assert again == []


def test_settings_are_changed_whichever_part_they_belong_to() -> None:
    options = ExtractOptions.of(Path("videos"), Path("a.h5"), frames=3, device="cpu")
    changed = options.changed(views=2, out=Path("b.h5"), workers=1)
    assert (changed.sampling, changed.compute) == (options.sampling, options.compute)
    assert (changed.views.views, changed.out, changed.engine.workers) == (2, Path("b.h5"), 1)
    with pytest.raises(TypeError, match="no option of an extraction is called `colour`"):
        options.changed(colour="red")


def test_two_backbones_cannot_write_one_store() -> None:
    with pytest.raises(UsageError, match="two backbones have one store"):
        ExtractOptions(Path("videos"), (("cnn", Path("a.h5")), ("clip:a/b", Path("a.h5"))))


def test_settings_that_a_store_of_the_first_version_lacks_are_what_it_was_made_with() -> None:
    meta = StoreMeta(Fingerprint("cnn", "00", 8, "fit=crop"), 25)
    later = ("per_segment", "views", "views_mode", "augmentation", "seed")
    flat = {name: value for name, value in meta.settings().items() if name not in later}
    read = StoreMeta.from_settings(flat, chainpipe="")
    assert [getattr(read, name) for name in later] == [0, 0, "consistent", "", 0]
