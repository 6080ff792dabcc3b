"""Check that the Markdown pages are wrapped at 100 characters; rows of tables may be longer.

Run it as ``python docs/check_pages.py``, or with the pages to check.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH = 100
FOLDERS = (".", ".github", "data", "docs", "docs/numbers", "examples")


def pages() -> list[Path]:
    """Return all Markdown pages of the project."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).glob("*.md")]
    return sorted(found) + sorted((ROOT / ".github").glob("*/*.md"))


def long_lines(text: str) -> Iterator[tuple[int, int]]:
    r"""Yield the number and the length of each line that is too long.

    >>> list(long_lines("short\n" + "x" * 101 + "\n|" + "x" * 101))
    [(2, 101)]
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > WIDTH and not line.startswith("|"):
            yield number, len(line)


def main(names: list[str]) -> int:
    """Print the long lines of some pages, or of all; return 1 if there are any."""
    found = [
        f"{path}:{number}: {length} characters, at most {WIDTH}"
        for path in (map(Path, names) if names else pages())
        for number, length in long_lines(path.read_text(encoding="utf-8"))
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
