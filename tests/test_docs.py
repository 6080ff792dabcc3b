"""The pages say what the program says."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")]


def test_the_reference_is_what_help_prints() -> None:
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
