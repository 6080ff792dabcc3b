"""The gallery of a server in a real browser: drop a file, see answers; decisions are written."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.browser import errors_of, open_browser
from tests.chainpipe.server.server_process import Server

TOKEN = "a-token-of-some-length"
DROPPED = """(text) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const moved = new DataTransfer();
  moved.items.add(new File([bytes], "<b>dropped.mp4", { type: "video/mp4" }));
  return moved; }"""


@pytest.mark.parametrize("width", [360, 1400])
def test_a_dropped_file_is_searched_for(shelf: Path, server: Server, width: int) -> None:
    content = base64.b64encode((shelf / "clips/5.mp4").read_bytes()).decode()
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900})
        errors = errors_of(page)
        page.goto(server.url)
        moved = page.evaluate_handle(DROPPED, content)
        page.dispatch_event(".drop", "drop", {"dataTransfer": moved})
        page.get_by_text("Nearest to <b>dropped.mp4").wait_for(timeout=60_000)
        found = page.locator(".search ol li").count()
        assert found == len(
            server.send("/search", (shelf / "clips/5.mp4").read_bytes(), k=24).json["results"]
        )
        page.locator("#search-file").focus()
        assert page.locator("#search-file").bounding_box()["width"] <= 1  # its label has the ring
        page.get_by_label("Search by words").fill("a zebra and an okapi")
        page.keyboard.press("Enter")
        page.get_by_text("no word near okapi").wait_for(timeout=60_000)
        assert page.locator(".search ol li").count() == len(
            server.ask("/search?text=a+zebra&k=14").json["results"]
        )
        assert errors == []


def test_the_token_opens_the_page_and_decisions_are_written(shelf: Path) -> None:
    options = ("--token", TOKEN, "--gallery", "own", "--decisions", "page.jsonl")
    with Server(shelf, *options) as server, open_browser() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 700})
        page.goto(server.url)
        assert page.evaluate("getComputedStyle(document.body).display") == "grid"
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.get_by_label("Token of this server").fill(TOKEN)
        page.keyboard.press("Enter")
        page.locator("#tabs a, #tabs button").first.wait_for(timeout=60_000)
        assert TOKEN not in page.url
        errors = errors_of(page)
        page.goto(server.url + "#/duplicates")
        page.reload()
        page.get_by_role("button", name="Not a").first.wait_for(timeout=60_000)
        page.keyboard.press("n")
        for _ in range(100):
            if (shelf / "page.jsonl").exists():
                break
            page.wait_for_timeout(100)
        [line] = (shelf / "page.jsonl").read_text().splitlines()
        assert json.loads(line)["decision"] == "ignore"
        assert errors == []
        (shelf / "page.jsonl").write_text("broken\n")
        page.reload()
        told = page.get_by_role("alert")
        told.get_by_text("The decisions could not be read").wait_for(timeout=60_000)
        page.keyboard.press("n")
        told.get_by_text("Not saved: the server said 500").wait_for(timeout=60_000)
