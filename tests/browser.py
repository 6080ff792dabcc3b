"""A real headless Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def browser_program() -> str | None:
    """Return the browser: ``CHAINPIPE_BROWSER``, or one on the ``PATH``."""
    named = os.environ.get("CHAINPIPE_BROWSER")
    return named or next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Start the browser; the test is skipped where there is none."""
    program = browser_program()
    if program is None:
        pytest.skip("no browser: set CHAINPIPE_BROWSER, or install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def errors_of(page: Any) -> list[str]:
    """Return a list that fills with the errors of a page's console."""
    found: list[str] = []
    page.on("console", lambda one: found.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found
