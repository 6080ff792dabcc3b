"""The pages say what the program says."""

import dataclasses
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from chainpipe.hashing.config.aliases import KEYS
from chainpipe.hashing.methods.registry import METHODS

ROOT = Path(__file__).parents[1]
CHECKER = runpy.run_path(str(ROOT / "docs" / "check_pages.py"))
PAGES = CHECKER["pages"]()


def config_keys() -> set[str]:
    """Every ``section.key`` that some method has."""
    configs = (METHODS[name].config for name in METHODS)
    sections = [
        (field.name, getattr(config, field.name))
        for config in configs
        if config is not None
        for field in dataclasses.fields(config)
    ]
    return {
        f"{section}.{key.name}"
        for section, values in sections
        if dataclasses.is_dataclass(values)
        for key in dataclasses.fields(values)
    }


def test_the_reference_is_what_help_prints() -> None:
    pinned = re.search(r"^typer==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    if version("typer") != pinned[1]:
        pytest.skip("the page is written with the pinned typer")
    made = runpy.run_path(str(ROOT / "docs/make_reference.py"))["page"]()
    assert (ROOT / "docs/reference.md").read_text() == made, "run `make docs`"


def test_every_verb_is_in_the_reference() -> None:
    page = (ROOT / "docs/reference.md").read_text()
    named = re.findall(r"^## chainpipe ([a-z]+)$", page, flags=re.MULTILINE)
    verbs = {"extract", "info", "verify", "train", "encode", "search", "eval", "demo"}
    assert verbs <= set(named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_readme_names_both_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_wrapped(page: Path) -> None:
    assert not list(CHECKER["long_lines"](page.read_text()))


def test_the_check_of_pages_names_file_line_and_length(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("short\n" + "x" * 101 + "\n| " + "y" * 200 + " |\n")
    command = [sys.executable, str(ROOT / "docs" / "check_pages.py"), str(page)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout == f"{page}:2: 101 characters, at most 100\n"
    page.write_text("short\n")
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_config_key_in_a_page_exists(page: Path) -> None:
    keys = config_keys()
    sections = {key.split(".")[0] for key in keys | set(KEYS)}
    unknown = {
        key
        for line in page.read_text().splitlines()
        if not (page.name == "CHANGELOG.md" and line.startswith("|"))  # the table of old names
        for key in re.findall(r"(?<![\w./-])([a-z_]+\.[a-z_0-9]+)(?![\w./(])", line)
        if key.split(".")[0] in sections and not key.endswith((".h5", ".zarr", ".py", ".md"))
    }
    assert unknown <= keys


def test_every_key_in_a_recipe_exists() -> None:
    keys = config_keys()
    for recipe in ROOT.glob("recipes/*.toml"):
        values = tomllib.loads(recipe.read_text())
        named = {f"{section}.{key}" for section, inner in values.items() for key in inner}
        assert named <= keys, recipe


def test_every_renamed_key_is_in_the_changes() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert not [old for old, new in KEYS.items() if f"| `{old}` | `{new}` |" not in changes]


def test_the_index_lists_every_page_of_its_folder() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert not [name for name in sorted(pages) if f"]({name})" not in index]


def test_no_page_tells_to_install_the_package_of_another_author() -> None:
    for page in PAGES:
        told = re.findall(r"^ *pip install ([^#\n]*)", page.read_text(), flags=re.MULTILINE)
        assert not [words for words in told if re.search(r"\bchainpipe(?![_-]video)", words)]


def test_the_version_is_one() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(
        rf"^## ({re.escape(version)}\b|Unreleased)", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
