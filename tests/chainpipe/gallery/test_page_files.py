"""Pages are whole or not there, hold any text as text, and replace nothing but a gallery."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from chainpipe.gallery.page_files import PAGE, check_folder, data_script, mark_folder, write_pages
from chainpipe.pipeline.errors import StorageError, UsageError

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"quotes\" and 'quotes' & ampersands",
    "line\u2028separator\nand \\ backslash",
    "bytes \udcff\udce9",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_data_script_holds_any_text(text: str) -> None:
    script = data_script("names", [text, {text: 1}])
    assert not re.search(r"[<>&\u2028]", script)
    value = script.removeprefix("Gallery.data.names = ").removesuffix(";")
    assert json.loads(value) == [text, {text: 1}]


@pytest.mark.parametrize("title", HOSTILE[:3])
def test_a_title_is_text(tmp_path: Path, title: str) -> None:
    mark_folder(tmp_path)
    write_pages(tmp_path, {}, title=title)
    page = (tmp_path / PAGE).read_text()
    assert title not in page
    assert page.count("<script") == page.count("<script src=")


def test_the_page_names_files_that_are_there(tmp_path: Path) -> None:
    mark_folder(tmp_path)
    write_pages(tmp_path, {"videos": 1}, title="t")
    page = (tmp_path / PAGE).read_text()
    named = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert len(named) > 20
    assert all((tmp_path / name).is_file() for name in named)
    assert "http" not in page


def test_the_same_pages_are_not_written_again_and_others_replace_them(tmp_path: Path) -> None:
    mark_folder(tmp_path)
    write_pages(tmp_path, {"videos": 1}, title="t")
    (first,) = tmp_path.glob("page-*")
    at = first.stat().st_ctime_ns
    write_pages(tmp_path, {"videos": 1}, title="t")
    assert first.stat().st_ctime_ns == at
    write_pages(tmp_path, {"videos": 2}, title="t")
    (second,) = tmp_path.glob("page-*")
    assert second != first
    assert second.name in (tmp_path / PAGE).read_text()


def test_only_a_gallery_or_an_empty_folder_is_written(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    check_folder(tmp_path)
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(UsageError, match=r"no gallery|not a folder"):
            check_folder(path)
    mark_folder(tmp_path)
    check_folder(tmp_path)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError):
        mark_folder(tmp_path / "file" / "g")
    with pytest.raises(StorageError):
        check_folder(tmp_path / ("x" * 300))
    with pytest.raises(StorageError):
        write_pages(tmp_path / "gone", {}, title="t")


def colours() -> dict[str, tuple[str, str]]:
    theme = (files("chainpipe.gallery") / "assets" / "theme.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", theme)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(scheme: int) -> None:
    grounds = {
        "text": ("bg", "surface", "raised", "accent-soft"),
        "muted": ("bg", "surface", "raised", "accent-soft"),
        "accent": ("bg", "surface", "accent-soft"),
        "on-accent": ("accent",),
        "good": ("surface", "good-soft", "accent-soft"),
        "bad": ("surface", "bad-soft"),
        "surface": tuple(f"hue-{number}" for number in range(8)),  # names on the bars of films
    }
    of = {name: luminance(pair[scheme]) for name, pair in colours().items()}
    for text, behind in grounds.items():
        for ground in behind:
            low, high = sorted((of[text], of[ground]))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)
